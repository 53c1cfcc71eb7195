/**
 * News of the admin door as they happen (`GET /v1/events`), for as long as the page is open. After a gap it goes on behind
 * the last event that it saw; where that is not known, or the server does not know it any more, lists are read anew.
 *
 * reset: read everything anew.
 */

export interface News {
  readonly type: string
  readonly data: unknown
}

export type Connection = 'connecting' | 'live' | 'cut' | 'signed out'

export interface LiveDeps {
  /** Asks for the stream, behind this event. */
  readonly open: (lastId: string | undefined, signal: AbortSignal) => Promise<Response>
  readonly deliver: (news: News) => void
  readonly changed: (connection: Connection) => void
  /** Resolves after so many milliseconds, or at once when the signal says so. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  /** Ends all of it. */
  readonly signal: AbortSignal
  /** Runs `run` after so many milliseconds, unless what it returns is called before. */
  readonly after: (run: () => void, ms: number) => () => void
}

export const FIRST_WAIT_MS = 1_000
/** A restart is noticed soon; a Purser that is away for an hour is not asked thousands of times. */
export const LONGEST_WAIT_MS = 15_000
/** The server says something every 15 s at least: whoever hears nothing for so long has lost the line. */
export const SILENCE_MS = 40_000

/** Ends when `signal` does, or when the sign-in holds no more. */
export async function follow(deps: LiveDeps): Promise<void> {
  let lastId: string | undefined
  let wait_ms = FIRST_WAIT_MS
  deps.changed('connecting')
  while (!deps.signal.aborted) {
    const ended = await listen(deps, lastId, (id) => {
      lastId = id
      wait_ms = FIRST_WAIT_MS
    })
    if (deps.signal.aborted) return
    if (ended === 'signed out') return deps.changed('signed out')
    if (ended === 'failed') deps.changed('cut')
    await deps.wait(wait_ms, deps.signal)
    wait_ms = ended === 'failed' ? Math.min(wait_ms * 2, LONGEST_WAIT_MS) : FIRST_WAIT_MS
  }
}

type Ended = 'ended' | 'failed' | 'signed out'

/** One connection, to its end. An end that the server chose is no failure. */
async function listen(deps: LiveDeps, lastId: string | undefined, seen: (id: string) => void): Promise<Ended> {
  const line = new AbortController()
  const cut = () => line.abort()
  deps.signal.addEventListener('abort', cut, { once: true })
  let endSilence = deps.after(cut, SILENCE_MS)
  try {
    const response = await deps.open(lastId, line.signal)
    if (response.status === 401) return 'signed out'
    if (!response.ok || !response.body) return 'failed'
    deps.changed('live')
    // Between the first look at the lists and this moment something may have happened.
    if (lastId === undefined) deps.deliver({ type: 'reset', data: {} })
    const parse = eventParser()
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      endSilence()
      endSilence = deps.after(cut, SILENCE_MS)
      for (const { id, ...news } of parse(text)) {
        if (id !== undefined) seen(id)
        deps.deliver(news)
      }
    }
    return 'ended'
  } catch {
    return 'failed'
  } finally {
    endSilence()
    deps.signal.removeEventListener('abort', cut)
    line.abort()
  }
}

/** Fed with text as it comes, however it is cut; answers the events that are complete. */
export function eventParser(): (text: string) => (News & { readonly id: string | undefined })[] {
  let rest = ''
  return (text) => {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    return blocks.flatMap((block) => eventOf(block) ?? [])
  }
}

/** Undefined for comments and for what carries no data. */
function eventOf(block: string): (News & { readonly id: string | undefined }) | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const at = line.indexOf(':')
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).replace(/^ /, ''))
  }
  const data = fields.get('data')
  if (data === undefined) return undefined
  return { id: fields.get('id'), type: fields.get('event') ?? 'message', data: JSON.parse(data) as unknown }
}

/** Runs at once, and then at most once in `ms` however often it is called; the last call is never lost. */
export function coalesced(run: () => void, ms: number, after: LiveDeps['after']): () => void {
  let isResting = false
  let isDue = false
  const rested = () => {
    isResting = false
    if (isDue) go()
  }
  const go = () => {
    isDue = false
    isResting = true
    after(rested, ms)
    run()
  }
  return () => {
    if (isResting) isDue = true
    else go()
  }
}
