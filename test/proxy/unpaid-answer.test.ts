import { Readable } from 'node:stream'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../src/http.ts'
import { inflate, readUnpaid } from '../../src/proxy/unpaid-answer.ts'

const plain = Buffer.from('{"x402Version":1}')
const answer = (body: Readable, headers: string[] = []): Answer => ({ status: 402, statusText: '', headers, body, trailers: () => [] })

describe('unpaid answer', () => {
  it.each([
    ['gzip', gzipSync(plain)],
    ['x-gzip', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
    ['deflate', deflateRawSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['zstd', zstdCompressSync(plain)],
    ['GZip', gzipSync(plain)],
    ['identity', plain],
    ['deflate, gzip', gzipSync(deflateSync(plain))],
    ['', plain],
  ])('inflates %s', (coding, bytes) => {
    expect(Buffer.from(inflate(bytes, [coding]) ?? [])).toEqual(plain)
  })

  it.each([
    ['gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(plain)))],
    ['compress', plain],
    ['gzip', plain],
    ['constructor', plain],
    ['gzip', gzipSync(Buffer.alloc(70_000))],
    ['br', brotliCompressSync(Buffer.alloc(10_000_000))],
    ['zstd', zstdCompressSync(Buffer.alloc(10_000_000))],
    ['deflate', deflateSync(Buffer.alloc(10_000_000))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
  ])('does not inflate what is too much, unknown or broken (%s)', (coding, bytes) => {
    expect(inflate(bytes, [coding])).toBeUndefined()
  })

  it('reads a whole body, raw and inflated', async () => {
    const bytes = gzipSync(plain)
    const read = await readUnpaid(answer(Readable.from([bytes.subarray(0, 5), bytes.subarray(5)]), ['Content-Encoding', 'gzip']))
    expect(read.whole).toBe(true)
    expect(read.raw).toEqual(bytes)
    expect(Buffer.from(read.unpaid.body ?? [])).toEqual(plain)
    expect(read.unpaid.status).toBe(402)
  })

  it('stops behind the bound, and the rest can still be read', async () => {
    const body = Readable.from([Buffer.alloc(60, 'a'), Buffer.alloc(60, 'b'), Buffer.alloc(60, 'c')])
    const read = await readUnpaid(answer(body), { max_bytes: 100 })
    expect(read).toMatchObject({ whole: false, unpaid: { body: undefined } })
    const rest: Buffer[] = []
    for await (const chunk of body) rest.push(chunk)
    expect(Buffer.concat([read.raw, ...rest])).toHaveLength(180)
  })

  it('a body that drips is read no further than the time allows, and the rest can still be read', async () => {
    const body = new Readable({ read: () => undefined })
    body.push('{"x402')
    const read = await readUnpaid(answer(body), { timeout_ms: 20 })
    expect(read).toMatchObject({ whole: false, unpaid: { body: undefined } })
    body.push('Version":1}')
    body.push(null)
    const rest: Buffer[] = []
    for await (const chunk of body) rest.push(chunk)
    expect(Buffer.concat([read.raw, ...rest])).toEqual(plain)
  })

  it('a zstd frame cannot ask for more memory than a content coding may', () => {
    const asking = (windowLog: number) => zstdCompressSync(plain, { params: { [constants.ZSTD_c_windowLog]: windowLog } })
    // Without the size of its content a frame has to declare its window: 2^27 bytes here, then one raw block.
    const greedy = Buffer.concat([Buffer.from('28b52ffd0088', 'hex'), Buffer.from([(plain.length << 3) | 1, 0, 0]), plain])
    expect(inflate(greedy, ['zstd'])).toBeUndefined()
    expect(Buffer.from(inflate(asking(23), ['zstd']) ?? [])).toEqual(plain)
  })

  it('a body that breaks off rejects with the reason', async () => {
    const body = new Readable({ read: () => undefined })
    const reading = readUnpaid(answer(body))
    body.destroy(new Error('broken'))
    await expect(reading).rejects.toThrow('broken')
    const quiet = new Readable({ read: () => undefined })
    const other = readUnpaid(answer(quiet))
    quiet.destroy()
    await expect(other).rejects.toThrow('broken off')
  })

  it('random bytes never throw, nor grow beyond the bound', () => {
    const coding = fc.constantFrom('gzip', 'deflate', 'br', 'zstd', 'gzip, br', 'x')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), coding, (bytes, name) => {
        expect(inflate(Buffer.from(bytes), [name], 1000)?.length ?? 0).toBeLessThanOrEqual(1000)
      }),
    )
  })
})
