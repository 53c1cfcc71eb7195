/** The body of a 402: read within a bound, inflated within a bound, and kept to the byte in case it passes. */
import type { Readable } from 'node:stream'
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { type Answer, headerValues } from '../http.ts'
import { MAX_402_BODY_BYTES, MAX_402_ENCODINGS, MAX_ZSTD_WINDOW_LOG, READ_402_TIMEOUT_MS } from '../limits.ts'
import type { UnpaidAnswer } from '../session/exchange.ts'

export interface ReadAnswer {
  readonly unpaid: UnpaidAnswer
  /** What was read, as it came. Where there is more, the answer's body is paused behind it. */
  readonly raw: Uint8Array
  readonly whole: boolean
}

export interface ReadBounds {
  readonly max_bytes?: number
  readonly timeout_ms?: number
}

/** Reads a 402 up to the bounds of size and time. @throws what breaks the body off before its end. */
export async function readUnpaid(answer: Answer, bounds: ReadBounds = {}): Promise<ReadAnswer> {
  const { max_bytes = MAX_402_BODY_BYTES, timeout_ms = READ_402_TIMEOUT_MS } = bounds
  const here = answer.arrived?.()
  const { raw, whole } =
    here && here.length <= max_bytes ? { raw: here, whole: true } : await readBounded(answer.body, { max_bytes, timeout_ms })
  const body = whole ? inflate(raw, headerValues(answer.headers, 'content-encoding'), max_bytes) : undefined
  return { unpaid: { status: answer.status, headers: answer.headers, body }, raw, whole }
}

function readBounded(body: Readable, { max_bytes, timeout_ms }: Required<ReadBounds>): Promise<{ raw: Buffer; whole: boolean }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const settle = (whole: boolean) => {
      clearTimeout(timer)
      body.off('data', take).off('end', ended).off('error', failed).off('close', closed)
      if (!whole) body.pause()
      resolve({ raw: Buffer.concat(chunks), whole })
    }
    const take = (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > max_bytes) settle(false)
    }
    const ended = () => settle(true)
    const failed = (fault: Error) => {
      clearTimeout(timer)
      reject(fault)
    }
    const closed = () => failed(body.errored ?? new Error('the answer was broken off'))
    const timer = setTimeout(() => settle(false), timeout_ms)
    body.on('data', take).on('end', ended).on('error', failed).on('close', closed)
  })
}

const DECODERS: Readonly<Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  br: brotliDecompressSync,
  zstd: (bytes, options) => zstdDecompressSync(bytes, { ...options, params: { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG } }),
  deflate: (bytes, options) => {
    try {
      return inflateSync(bytes, options)
    } catch {
      return inflateRawSync(bytes, options)
    }
  },
}

/** Undoes the content codings, last one first. Undefined where they are too many, unknown, broken or too large. */
export function inflate(bytes: Uint8Array, codings: readonly string[], max_bytes = MAX_402_BODY_BYTES): Uint8Array | undefined {
  const names = codings
    .flatMap((value) => value.toLowerCase().split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  if (names.length > MAX_402_ENCODINGS) return undefined
  let plain = bytes
  for (const name of names.reverse()) {
    const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined
    if (!decode) return undefined
    try {
      plain = decode(plain, { maxOutputLength: max_bytes })
    } catch {
      return undefined
    }
  }
  return plain
}
