/**
 * An origin that misbehaves now and then: it sells by x402 on many loopback addresses, and by its seed it resets, is slow,
 * asks again after a payment, or fails after it. Nothing real is paid.
 *
 *   node soak-origin.ts SEED ADDRESSES
 */
import { createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { NETWORK } from '../testnet/chain.ts'
import { challengeOf, encodeBase64, type WireAnswer } from '../testnet/wire.ts'
import { seededRandom } from './random.ts'

const HEAD_END = '\r\n\r\n'
const PAID = /\r\npayment-signature:/i
const SLOW_MS = 1_500
const MERCHANT = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const PAYER = '0x0000000000000000000000000000000000000001'

const [, , seed = '1', addresses = '1'] = process.argv
const random = seededRandom(Number(seed))
let sold = 0

type Fault = 'none' | 'reset' | 'slow' | 'again' | 'error'
/** Of a hundred answers, one each. */
const FAULTS: readonly Fault[] = ['reset', 'slow', 'again', 'error']

function fault(): Fault {
  return FAULTS[Math.floor(random() * 100)] ?? 'none'
}

function bytesOf({ status, headers, body }: WireAnswer): Buffer {
  const bytes = Buffer.from(body)
  const lines = [`HTTP/1.1 ${status} Status`]
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  return Buffer.concat([Buffer.from([...lines, `Content-Length: ${bytes.length}`, '', ''].join('\r\n')), bytes])
}

const plain = (status: number) => bytesOf({ status, headers: ['content-type', 'text/plain'], body: 'x'.repeat(500) })

function goods(): Buffer {
  const transaction = `0x${(++sold).toString(16).padStart(64, '0')}`
  const settlement = encodeBase64({ success: true, transaction, network: NETWORK, payer: PAYER })
  return bytesOf({ status: 200, headers: ['PAYMENT-RESPONSE', settlement], body: 'x'.repeat(500) })
}

async function answer(socket: Socket, head: string): Promise<void> {
  const [, path = '/', host = ''] = /^\w+ (\S+) [\s\S]*?\r\nhost: *(\S+)/i.exec(head) ?? []
  const what = fault()
  if (what === 'reset') socket.resetAndDestroy()
  if (what === 'slow') await pause(SLOW_MS)
  if (socket.destroyed) return
  const challenge = () => bytesOf(challengeOf(2, { amount: '1000', payTo: MERCHANT, window_s: 60, resource: `http://${host}${path}` }))
  if (path.startsWith('/free')) socket.write(plain(200))
  else if (what === 'error') socket.write(plain(503))
  else if (!PAID.test(head) || what === 'again') socket.write(challenge())
  else socket.write(goods())
}

function serve(socket: Socket): void {
  let rest = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1')
    const end = rest.indexOf(HEAD_END)
    if (end < 0) return
    const head = rest.slice(0, end + 2)
    rest = rest.slice(end + HEAD_END.length)
    void answer(socket, head)
  })
}

async function listen(port: number, host: string): Promise<number> {
  const server = createServer(serve)
  return await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

const port = await listen(0, '127.0.1.1')
for (let n = 2; n <= Number(addresses); n++) await listen(port, `127.0.1.${n}`)
console.log(JSON.stringify({ port }))
process.on('disconnect', () => process.exit(0))
