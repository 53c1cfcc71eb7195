/** The one client of this page: asks the API, hears the news, and knows who is signed in. */
import { signal } from '@preact/signals'
import { createApi } from './api.ts'
import { type Connection, coalesced, follow, type LiveDeps, type News } from './live.ts'

/** What `GET /console/me` answers. */
export interface Me {
  readonly person: string
  readonly role: 'all' | 'operator' | 'approver' | 'auditor'
  readonly expiresAt: string
  readonly version: string
  readonly mode: 'open' | 'report' | 'enforce'
}

/** Undefined until it is known, null where nobody is signed in. */
export const me = signal<Me | null | undefined>(undefined)
export const connection = signal<Connection>('connecting')

/** Somebody who reads a page moves it, or the pointer over it, more often than this. */
const TOUCHED_MS = 60_000
let touchedAt = Date.now()
for (const touch of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'touchmove'])
  window.addEventListener(
    touch,
    () => {
      touchedAt = Date.now()
    },
    { capture: true, passive: true },
  )

/** Of this very origin, port included; the cookie alone is not, because browsers send it to every port of the host. */
const PROOF = 'purser-proof'
const proof = {
  get: () => localStorage.getItem(PROOF),
  set: (text: string) => localStorage.setItem(PROOF, text),
}

/** A provider's sign-in brings it behind the #. */
const [, brought] = /^#\/\?proof=([A-Za-z0-9_-]+)$/.exec(location.hash) ?? []
if (brought !== undefined) {
  proof.set(brought)
  history.replaceState(null, '', '/')
}

export const { get, post, ask } = createApi({
  proof,
  isIdle: () => Date.now() - touchedAt > TOUCHED_MS,
  fetch: (input, init) => window.fetch(input, init),
  onSignedOut: () => {
    me.value = null
  },
})

/** What this person may do; the server asks again. */
export function mayOperate(): boolean {
  return me.value?.role === 'all' || me.value?.role === 'operator'
}

export function mayApprove(): boolean {
  return me.value?.role === 'all' || me.value?.role === 'approver'
}

export type NewsType = 'approval' | 'payment' | 'session' | 'halts' | 'policy'

const listeners = new Set<(news: News) => void>()
/** Payments may come by the hundred; lists are read anew this often at most. */
const REST_MS = 1_000

const after: LiveDeps['after'] = (run, ms) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** Runs `run` soon after news of these types, `reset` included, and at most once a second; returns what ends that. */
export function onNews(types: readonly NewsType[], run: () => void): () => void {
  const wanted: readonly string[] = [...types, 'reset']
  const calm = coalesced(run, REST_MS, after)
  const listener = ({ type }: News) => {
    if (wanted.includes(type)) calm()
  }
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function wait(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const now = () => {
      clearTimeout(timer)
      resolve()
    }
    stop.addEventListener('abort', now, { once: true })
    // A network that comes back is tried at once.
    window.addEventListener('online', now, { once: true })
  })
}

/** Hears the news until `stop`; whoever is signed out meanwhile is asked to sign in. */
export async function listen(stop: AbortSignal): Promise<void> {
  await follow({
    open: (lastId, line) => ask('/v1/events', { signal: line, ...(lastId !== undefined && { headers: { 'last-event-id': lastId } }) }),
    deliver: (news) => {
      for (const listener of [...listeners]) listener(news)
    },
    changed: (now) => {
      connection.value = now
      if (now === 'signed out') me.value = null
    },
    wait,
    after,
    signal: stop,
  })
}
