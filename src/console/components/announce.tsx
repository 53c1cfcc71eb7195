/** News for those who do not see them appear. */
import { signal } from '@preact/signals'

const said = signal('')

/** Says it to screen readers, politely, and shows it for a while. */
export function announce(text: string): void {
  said.value = text
  clearTimeout(timer)
  timer = setTimeout(() => {
    said.value = ''
  }, SHOWN_MS)
}

let timer: ReturnType<typeof setTimeout> | undefined
/** Time enough to read two lines. */
const SHOWN_MS = 6_000

export function Announcements() {
  return (
    <div class="announcements" role="status" aria-live="polite">
      {said.value !== '' && <p>{said}</p>}
    </div>
  )
}
