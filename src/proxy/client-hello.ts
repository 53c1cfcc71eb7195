/** The first bytes inside a CONNECT: TLS, plain HTTP, or something that we do not speak. */
import type { Duplex } from 'node:stream'

export type FirstWords = 'tls' | 'http' | 'other'

const TLS_HANDSHAKE_RECORD = 0x16
const METHOD = /^[A-Z]{1,16}(?: |$)/

/** What the agent begins to speak. One byte is enough for TLS: no HTTP method begins with it. */
export function readFirstWords(bytes: Buffer): FirstWords {
  if (bytes[0] === TLS_HANDSHAKE_RECORD) return 'tls'
  return METHOD.test(bytes.toString('latin1', 0, 20)) ? 'http' : 'other'
}

export interface FirstBytesOptions {
  /** What arrived together with the CONNECT request. */
  readonly head: Buffer
  readonly timeout_ms: number
}

/** The first bytes, taken from the socket; undefined where it ends, breaks or stays silent. Give them back by `unshift`. */
export function firstBytes(socket: Duplex, { head, timeout_ms }: FirstBytesOptions): Promise<Buffer | undefined> {
  if (head.length > 0) return Promise.resolve(head)
  return new Promise((resolve) => {
    const settle = (bytes: Buffer | undefined) => {
      clearTimeout(timer)
      socket.off('readable', take).off('end', giveUp).off('close', giveUp)
      resolve(bytes)
    }
    const giveUp = () => settle(undefined)
    const take = () => {
      const bytes: unknown = socket.read()
      if (Buffer.isBuffer(bytes)) settle(bytes)
    }
    const timer = setTimeout(giveUp, timeout_ms)
    socket.on('readable', take).on('end', giveUp).on('close', giveUp)
    if (socket.destroyed) giveUp()
  })
}
