/** Whether somebody can see this page: not in a tab behind others, not on a phone that is locked. */
import { signal } from '@preact/signals'

export const isSeen = signal(document.visibilityState === 'visible')

document.addEventListener('visibilitychange', () => {
  isSeen.value = document.visibilityState === 'visible'
})
