import { createHash } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keepBody, noBody } from '../../src/proxy/kept-body.ts'
import { createSpool } from '../../src/proxy/spool.ts'

const BOUNDS = { memory_bytes: 100, spool_bytes: 1000 }
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
const spool = () => createSpool({ file_bytes: 1000, total_bytes: 5000 })

/** What a test leaves open is closed behind it: no file may wait for the garbage collector. */
const keep: typeof keepBody = (source, options) => {
  const body = keepBody(source, options)
  onTestFinished(() => body.release())
  return body
}

async function replayed(body: ReturnType<typeof keepBody>): Promise<Buffer> {
  const again = body.replay()
  return again instanceof Readable ? buffer(again) : Buffer.from(again ?? [])
}

describe('kept body', () => {
  it('tees: all of it goes on, its digest is known at the end, and it can be had again', async () => {
    const body = keep(Readable.from([Buffer.from('hel'), Buffer.from('lo')]), BOUNDS)
    expect(String(await buffer(body.stream ?? Readable.from([])))).toBe('hello')
    expect(await body.ended()).toEqual({ digest: sha256('hello'), bytes: 5, replayable: true, bound_bytes: 100 })
    expect(String(await replayed(body))).toBe('hello')
  })

  it('reads nothing before somebody wants it, and says once when that is', async () => {
    let wanted = 0
    const source = new PassThrough()
    const body = keep(source, { ...BOUNDS, onWanted: () => wanted++ })
    source.end('hello')
    await new Promise((next) => setImmediate(next))
    expect([wanted, source.readableLength]).toEqual([0, 5])
    await body.ended()
    await body.ended()
    expect([wanted, source.readableLength]).toEqual([1, 0])
  })

  it('drops the copy beyond the bound, while body and digest go on', async () => {
    const bytes = Buffer.alloc(500, 'a')
    const body = keep(Readable.from([bytes.subarray(0, 90), bytes.subarray(90)]), BOUNDS)
    expect(await buffer(body.stream ?? Readable.from([]))).toEqual(bytes)
    expect(await body.ended()).toEqual({ digest: sha256(bytes), bytes: 500, replayable: false, bound_bytes: 100 })
    expect(() => body.replay()).toThrow('dropped')
  })

  it('goes on into the spool where there is one, and comes out as it went in, again and again', async () => {
    const bytes = Buffer.from(Array.from({ length: 900 }, (_, i) => i % 251))
    const parts = [0, 50, 99, 101, 400, 900].map((at, i, all) => bytes.subarray(all[i - 1] ?? 0, at))
    const body = keep(Readable.from(parts.slice(1)), { ...BOUNDS, spool: spool() })
    expect(await buffer(body.stream ?? Readable.from([]))).toEqual(bytes)
    expect(await body.ended()).toEqual({ digest: sha256(bytes), bytes: 900, replayable: true, bound_bytes: 1000 })
    expect(await replayed(body)).toEqual(bytes)
    expect(await replayed(body)).toEqual(bytes)
  })

  it('drops the copy where the spool is too small, and goes on', async () => {
    const bytes = Buffer.alloc(2000, 'b')
    const body = keep(Readable.from([bytes.subarray(0, 700), bytes.subarray(700)]), { ...BOUNDS, spool: spool() })
    expect(await buffer(body.stream ?? Readable.from([]))).toEqual(bytes)
    expect(await body.ended()).toMatchObject({ digest: sha256(bytes), replayable: false })
  })

  it('reads to the end although the upstream broke off', async () => {
    const source = new PassThrough()
    const body = keep(source, BOUNDS)
    source.write('hel')
    body.stream?.resume()
    await new Promise((next) => setImmediate(next))
    body.stream?.destroy()
    const ended = body.ended()
    source.end('lo')
    expect(await ended).toMatchObject({ digest: sha256('hello'), bytes: 5, replayable: true })
    expect(String(await replayed(body))).toBe('hello')
  })

  it('reads to the end into the spool too', async () => {
    const source = new PassThrough()
    const body = keep(source, { ...BOUNDS, spool: spool() })
    body.stream?.destroy()
    const ended = body.ended()
    for (let part = 0; part < 6; part++) {
      source.write(Buffer.alloc(100, part))
      await new Promise((next) => setImmediate(next))
    }
    source.end()
    expect(await ended).toMatchObject({ bytes: 600, replayable: true })
    expect(await replayed(body)).toHaveLength(600)
  })

  it('stops reading when the upstream broke off and nobody wants the rest', async () => {
    const source = new PassThrough()
    const body = keep(source, BOUNDS)
    body.stream?.resume()
    await new Promise((next) => setImmediate(next))
    body.stream?.destroy()
    await new Promise((next) => setImmediate(next))
    expect(source.isPaused()).toBe(true)
  })

  it.each([
    ['with an error', new Error('reset')],
    ['without one', undefined],
  ])('an agent that breaks off %s rejects, and breaks the copy for the upstream', async (_, error) => {
    const source = new PassThrough()
    const body = keep(source, BOUNDS)
    source.write('hel')
    const ended = body.ended()
    source.destroy(error)
    await expect(ended).rejects.toThrow('broke off')
    expect(body.stream?.destroyed).toBe(true)
    await expect(body.ended()).rejects.toThrow('broke off')
  })

  it('waits for a slow upstream, with and without a spool', async () => {
    for (const kept of [
      BOUNDS,
      { memory_bytes: 100, spool_bytes: 10_000_000, spool: createSpool({ file_bytes: 10_000_000, total_bytes: 10_000_000 }) },
    ]) {
      let produced = 0
      const source = new Readable({
        read() {
          produced++
          this.push(produced > 200 ? null : Buffer.alloc(10_000))
        },
      })
      const body = keep(source, kept)
      body.stream?.read(0)
      for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next))
      expect(produced).toBeLessThan(50)
      body.release()
    }
  })

  it('a body that never was has a digest too', async () => {
    const body = noBody({ memory_bytes: 100 })
    expect(body.stream).toBeNull()
    expect(await body.ended()).toEqual({ digest: sha256(''), bytes: 0, replayable: true, bound_bytes: 100 })
    expect(body.replay()).toBeNull()
    body.release()
  })

  it('whatever the pieces, what comes out is what went in', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 120 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), async (parts, spooled) => {
        const whole = Buffer.concat(parts)
        const body = keep(Readable.from(parts.map((part) => Buffer.from(part))), {
          ...BOUNDS,
          ...(spooled && { spool: createSpool({ file_bytes: 5000, total_bytes: 5000 }) }),
        })
        expect(await buffer(body.stream ?? Readable.from([]))).toEqual(whole)
        const state = await body.ended()
        expect(state).toMatchObject({ digest: sha256(whole), bytes: whole.length, replayable: spooled || whole.length <= 100 })
        if (state.replayable) expect(await replayed(body)).toEqual(whole)
        body.release()
      }),
      { numRuns: 50 },
    )
  })
})
