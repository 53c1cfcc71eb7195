/**
 * The origin of the benchmarks, a process of its own: raw sockets and prepared bytes, so that it is never the bottleneck.
 * It sells nothing real: a payment is taken for good when its header is there, nothing is checked and nothing settles,
 * and the transaction that it names is made up.
 *
 *   node origin.ts CERT KEY
 */
import { readFileSync } from 'node:fs'
import { createServer as createPlain, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { NETWORK } from '../testnet/chain.ts'
import { challengeOf, encodeBase64 } from '../testnet/wire.ts'
import { sellByChannel } from './channel-seller.ts'
import { BODY_BYTES, CHANNEL_PATH, COSTLY_PATH, PATH_OF } from './sizes.ts'

const MAX_HEAD_BYTES = 64 * 1024
const PRICE_ATOMIC = '1000'
/** $2, more than the tier of the benchmarks allows. */
const COSTLY_ATOMIC = '2000000'
const MERCHANT = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const PAYER = '0x0000000000000000000000000000000000000001'
const HEAD_END = '\r\n\r\n'

type Responder = (head: Buffer) => Buffer

/** Answers each head at once; requests have no bodies. */
function answerEach(socket: Socket, respond: Responder): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = bytes.indexOf(HEAD_END); end >= 0; end = bytes.indexOf(HEAD_END)) {
      socket.write(respond(bytes.subarray(0, end + 2)))
      bytes = bytes.subarray(end + HEAD_END.length)
    }
    rest = bytes
    if (rest.length > MAX_HEAD_BYTES) socket.destroy()
  })
}

function answerOf(status: string, headers: readonly string[], body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body)
  const lines = [`HTTP/1.1 ${status}`, 'Server: bench', `Date: ${new Date().toUTCString()}`, 'Connection: keep-alive']
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  lines.push(`Content-Length: ${bytes.length}`, '', '')
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), bytes])
}

const bodyOf = (bytes: number) => JSON.stringify({ data: 'x'.repeat(bytes - 11) })
const body = bodyOf(BODY_BYTES.small)
const type = ['Content-Type', 'application/json']
const smallAnswer = answerOf('200 OK', type, body)
const largeAnswer = answerOf('200 OK', type, bodyOf(BODY_BYTES.large))

/** The target is in the first line, and nothing else of the head has these bytes. */
const plainAnswer: Responder = (head) => (head.includes(PATH_OF.large, 0, 'latin1') ? largeAnswer : smallAnswer)

/** x402 version 2: 402 with a proper challenge until the payment's header is there. */
function seller(port: number): Responder {
  const challengeFor = (amount: string, path: string) => {
    const terms = { amount, payTo: MERCHANT, window_s: 60, resource: `http://127.0.0.1:${port}${path}` }
    const { headers, body: words } = challengeOf(2, terms)
    return answerOf('402 Payment Required', headers, words)
  }
  const challenge = challengeFor(PRICE_ATOMIC, PATH_OF.small)
  const costly = challengeFor(COSTLY_ATOMIC, COSTLY_PATH)
  const channels = channelSeller(port)
  let sold = 0
  return (head) => {
    if (head.includes(COSTLY_PATH, 0, 'latin1')) return costly
    if (head.includes(CHANNEL_PATH, 0, 'latin1')) return channels(head)
    if (!/\r\npayment-signature:/i.test(head.toString('latin1'))) return challenge
    const transaction = `0x${(++sold).toString(16).padStart(64, '0')}`
    const settlement = encodeBase64({ success: true, transaction, network: NETWORK, payer: PAYER })
    return answerOf('200 OK', [...type, 'PAYMENT-RESPONSE', settlement], body)
  }
}

function channelSeller(port: number): Responder {
  const resource = `http://127.0.0.1:${port}${CHANNEL_PATH}`
  const { challenge, statementFor } = sellByChannel({ merchant: MERCHANT, priceAtomic: PRICE_ATOMIC, resource })
  const asked = answerOf('402 Payment Required', challenge.headers, challenge.body)
  return (head) => {
    const statement = statementFor(head.toString('latin1'))
    return statement === undefined ? asked : answerOf('200 OK', [...type, 'PAYMENT-RESPONSE', statement], body)
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

const [, , certFile = '', keyFile = ''] = process.argv
const plain = await listen(createPlain((socket) => answerEach(socket, plainAnswer)))
const tls = await listen(
  createTls({ cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ['http/1.1'] }, (socket) =>
    answerEach(socket, plainAnswer),
  ),
)
let sell: Responder = plainAnswer
const paid = await listen(createPlain((socket) => answerEach(socket, (head) => sell(head))))
sell = seller(paid)
console.log(JSON.stringify({ plain, tls, paid }))
process.on('disconnect', () => process.exit(0))
