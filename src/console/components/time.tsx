/** Times: how long ago, with the exact moment in reach; and one clock that ticks for the whole page. */
import { signal } from '@preact/signals'
import { ago, when } from '../format.ts'

const TICK_MS = 1_000

/** Milliseconds since 1970, once a second. */
export const now = signal(Date.now())
setInterval(() => {
  now.value = Date.now()
}, TICK_MS)

export function When({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={when(at)}>
      {ago(at, now.value)}
    </time>
  )
}
