/** News: parsed as they come, followed over every kind of gap. The real feed answers in test/e2e/console.test.ts. */
import { describe, expect, it } from 'vitest'
import {
  type Connection,
  coalesced,
  eventParser,
  FIRST_WAIT_MS,
  follow,
  type LiveDeps,
  LONGEST_WAIT_MS,
  type News,
  SILENCE_MS,
} from '../../src/console/live.ts'

const event = (id: string, type = 'payment') => `id: ${id}\nevent: ${type}\ndata: {"id":"${id}"}\n\n`

describe('the parser', () => {
  it('finds the same events wherever the text is cut', () => {
    const text = `retry: 1000\n\n:\n\n${event('f.1')}${event('f.2', 'approval')}`
    for (let at = 0; at <= text.length; at++) {
      const parse = eventParser()
      const found = [...parse(text.slice(0, at)), ...parse(text.slice(at))]
      expect(found.map(({ id, type }) => [id, type])).toEqual([
        ['f.1', 'payment'],
        ['f.2', 'approval'],
      ])
    }
  })
})

/** One answer for each time that the stream is asked for; after the last one it ends. */
function run(answers: readonly ((line: AbortSignal) => Response | Promise<Response>)[]) {
  const stop = new AbortController()
  const seen = { asked: [] as (string | undefined)[], news: [] as News[], states: [] as Connection[], waits: [] as number[] }
  const timers = new Map<() => void, number>()
  const deps: LiveDeps = {
    open: async (lastId, signal) => {
      const answer = answers[seen.asked.length]
      seen.asked.push(lastId)
      if (seen.asked.length >= answers.length) stop.abort()
      return answer?.(signal) ?? Response.error()
    },
    deliver: (news) => void seen.news.push(news),
    changed: (state) => void seen.states.push(state),
    wait: async (ms) => void seen.waits.push(ms),
    after: (call, ms) => {
      timers.set(call, ms)
      return () => void timers.delete(call)
    },
    signal: stop.signal,
  }
  return { ended: follow(deps), seen, timers }
}

const stream =
  (...texts: string[]) =>
  () =>
    new Response(ReadableStream.from(texts.map((text) => new TextEncoder().encode(text))))
const broken = () => Promise.reject(new TypeError('network'))
const last = () => new Response(null, { status: 503 })

describe('following the news', () => {
  it('after a gap it goes on behind the last event that it saw', async () => {
    const { ended, seen } = run([stream(event('f.1'), event('f.2')), broken, stream(event('f.3')), last])
    await ended
    expect(seen.asked).toEqual([undefined, 'f.2', 'f.2', 'f.3'])
    expect(seen.news.map(({ type }) => type)).toEqual(['reset', 'payment', 'payment', 'payment'])
  })

  it('where no event was seen before the gap, everything is read anew', async () => {
    const { ended, seen } = run([stream(':\n\n'), stream(':\n\n'), last])
    await ended
    expect(seen.news.map(({ type }) => type)).toEqual(['reset', 'reset'])
  })

  it('a Purser that is away is asked ever less often, and again soon once it answered', async () => {
    const down = [broken, last, broken, broken, broken, broken]
    const { ended, seen } = run([...down, stream(event('f.1')), broken, last])
    await ended
    expect(seen.waits).toEqual([1_000, 2_000, 4_000, 8_000, LONGEST_WAIT_MS, LONGEST_WAIT_MS, FIRST_WAIT_MS, FIRST_WAIT_MS])
    expect(seen.states.slice(0, 2)).toEqual(['connecting', 'cut'])
    expect(seen.states).toContain('live')
  })

  it('who is signed out asks no more', async () => {
    const { ended, seen } = run([() => new Response(null, { status: 401 }), last, last])
    await ended
    expect(seen.asked.length).toBe(1)
    expect(seen.states.at(-1)).toBe('signed out')
  })

  it('a line on which nothing is heard any more is cut and asked for again', async () => {
    const quiet = (line: AbortSignal) =>
      new Response(new ReadableStream({ start: (body) => line.addEventListener('abort', () => body.error(line.reason)) }))
    const { ended, seen, timers } = run([quiet, last])
    await new Promise((resolve) => setImmediate(resolve))
    expect([...timers.values()]).toEqual([SILENCE_MS])
    for (const call of [...timers.keys()]) call()
    await ended
    expect(seen.asked.length).toBe(2)
  })
})

describe('calls that come in heaps', () => {
  it('the first runs at once, those meanwhile together at the end, and none is lost', () => {
    let due: (() => void) | undefined
    let runs = 0
    const call = coalesced(
      () => void runs++,
      1_000,
      (later) => {
        due = later
        return () => undefined
      },
    )
    for (let number = 0; number < 100; number++) call()
    expect(runs).toBe(1)
    due?.()
    expect(runs).toBe(2)
    due?.()
    expect(runs).toBe(2)
    call()
    expect(runs).toBe(3)
  })
})
