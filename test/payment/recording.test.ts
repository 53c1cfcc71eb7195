import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../src/http.ts'
import { createRecorder } from '../../src/payment/recording.ts'

const LIMITS = { answer_bytes: 10, total_bytes: 25, salvage_ms: 60_000 }

function upstream(trailers: string[] = []): { source: PassThrough; answer: Answer } {
  const source = new PassThrough()
  source.on('error', () => undefined)
  return { source, answer: { status: 200, statusText: 'OK', headers: ['X', 'y'], body: source, trailers: () => trailers } }
}

describe('recording a paid answer', () => {
  it('hands every byte on as it comes, and has a copy of the whole at its end', async () => {
    const { source, answer } = upstream(['Digest', 'd'])
    const recording = createRecorder(LIMITS)(answer)
    source.write('one')
    const [first] = await once(recording.answer.body, 'data')
    expect(String(first)).toBe('one')
    source.end('two')
    expect(String(await buffer(recording.answer.body))).toBe('two')
    expect(await recording.whole).toEqual({
      ...{ status: 200, statusText: 'OK', headers: ['X', 'y'] },
      body: Buffer.from('onetwo'),
      trailers: ['Digest', 'd'],
    })
  })

  it('what has arrived whole is handed on as it is, kept within the same bounds, and needs no stream', async () => {
    const record = createRecorder({ ...LIMITS, total_bytes: 12 })
    const arrived = (text: string): Answer => ({ ...upstream(['Digest', 'd']).answer, arrived: () => Buffer.from(text) })
    const one = arrived('one')
    const recording = record(one)
    expect(recording.answer).toBe(one)
    expect(await recording.whole).toEqual({
      ...{ status: 200, statusText: 'OK', headers: ['X', 'y'] },
      body: Buffer.from('one'),
      trailers: ['Digest', 'd'],
    })
    expect(await record(arrived('more than ten')).whole).toBeUndefined()
    expect(await record(arrived('0123456789')).whole).toBeUndefined()
    recording.release()
    expect(await record(arrived('0123456789')).whole).toBeDefined()
  })

  it('an agent that goes away ends its own part only: the rest is read, because it is paid for', async () => {
    const { source, answer } = upstream()
    const recording = createRecorder(LIMITS)(answer)
    source.write('one')
    await once(recording.answer.body, 'data')
    recording.answer.body.destroy()
    source.end('two')
    expect(String((await recording.whole)?.body)).toBe('onetwo')
  })

  it('the rest is read although the agent was too slow for it before', async () => {
    const { source, answer } = upstream()
    const recording = createRecorder({ ...LIMITS, answer_bytes: 1e6, total_bytes: 1e6 })(answer)
    source.write(Buffer.alloc(200_000))
    await once(recording.answer.body, 'readable')
    recording.answer.body.destroy()
    source.end(Buffer.alloc(200_000))
    expect((await recording.whole)?.body.length).toBe(400_000)
  })

  it('what is too large is handed on and not kept; once nobody reads it, it is broken off', async () => {
    const { source, answer } = upstream()
    const record = createRecorder(LIMITS)
    const recording = record(answer)
    source.end('more than ten')
    expect(String(await buffer(recording.answer.body))).toBe('more than ten')
    expect(await recording.whole).toBeUndefined()
    const left = upstream()
    const unread = record(left.answer)
    unread.answer.body.destroy()
    left.source.write('more than ten')
    expect(await unread.whole).toBeUndefined()
    expect(left.source.destroyed).toBe(true)
  })

  it('an endless answer that nobody reads any more is broken off in time', async () => {
    const { source, answer } = upstream()
    const recording = createRecorder({ ...LIMITS, salvage_ms: 1 })(answer)
    source.write('tick')
    recording.answer.body.destroy()
    expect(await recording.whole).toBeUndefined()
    expect(source.destroyed).toBe(true)
  })

  it('all recordings together stay within one bound, and give their memory back', async () => {
    const record = createRecorder(LIMITS)
    const kept = async (text: string) => {
      const { source, answer } = upstream()
      const recording = record(answer)
      source.end(text)
      await buffer(recording.answer.body)
      return { recording, whole: await recording.whole }
    }
    const [one, two, three] = [await kept('0123456789'), await kept('0123456789'), await kept('0123456789')]
    expect([one.whole, two.whole, three.whole].map((whole) => whole !== undefined)).toEqual([true, true, false])
    one.recording.release()
    expect((await kept('0123456789')).whole).toBeDefined()
  })

  it('an upstream that breaks off shows the agent a broken answer, and nothing is kept', async () => {
    const { source, answer } = upstream()
    const recording = createRecorder(LIMITS)(answer)
    source.write('half')
    await once(recording.answer.body, 'data')
    source.destroy(new Error('reset'))
    await expect(buffer(recording.answer.body)).rejects.toThrow()
    expect(await recording.whole).toBeUndefined()
    const late = createRecorder(LIMITS)(answer)
    expect(await late.whole).toBeUndefined()
    expect(late.answer.body.destroyed).toBe(true)
  })
})
