/**
 * The least that pays: an `http` server, undici, the digest and the native signature. No session, no policy, no ledger, no
 * receipt: what Purser costs beyond it is what those cost.
 *
 *   node plain-payer.ts ORIGIN_PORT
 */
import { randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { Pool } from 'undici'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'
import { ecdsa } from '../../src/secp256k1.ts'
import { digestTransfer } from '../../src/transfer-digest.ts'

const CONNECTIONS = 256

const Address = z.templateLiteral(['0x', z.string()])
const Accepted = z.looseObject({
  network: z.string(),
  asset: Address,
  payTo: Address,
  amount: z.string(),
  maxTimeoutSeconds: z.number(),
  extra: z.object({ name: z.string(), version: z.string() }),
})
const Challenge = z.looseObject({ x402Version: z.literal(2), resource: z.unknown(), accepts: z.array(Accepted).min(1) })

const key = generatePrivateKey()
const keyBytes = Buffer.from(key.slice(2), 'hex')
const payer = privateKeyToAddress(key)

/** The header that pays what is asked. */
async function paymentFor(challenge: string): Promise<string> {
  const { resource, accepts } = Challenge.parse(JSON.parse(Buffer.from(challenge, 'base64').toString('utf8')))
  const [accepted] = accepts
  if (!accepted) throw new Error('nothing is accepted')
  const now_s = Math.floor(Date.now() / 1000)
  const transfer = {
    from: payer,
    to: accepted.payTo,
    value: accepted.amount,
    validAfter: `${now_s - 5}`,
    validBefore: `${now_s + accepted.maxTimeoutSeconds}`,
    nonce: `0x${randomBytes(32).toString('hex')}` as const,
  }
  const digest = digestTransfer({
    ...transfer,
    domain: { ...accepted.extra, chainId: Number(accepted.network.split(':')[1]), verifyingContract: accepted.asset },
    value: BigInt(transfer.value),
    validAfter: BigInt(transfer.validAfter),
    validBefore: BigInt(transfer.validBefore),
  })
  const signature = await ecdsa.signDigest(digest, keyBytes)
  const payload = { x402Version: 2, resource, accepted, payload: { signature, authorization: transfer } }
  return Buffer.from(JSON.stringify(payload)).toString('base64')
}

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, { connections: CONNECTIONS, pipelining: 1 })

async function buy(path: string, response: ServerResponse): Promise<void> {
  const asked = await pool.request({ path, method: 'GET' })
  await asked.body.dump()
  const payment = await paymentFor(String(asked.headers['payment-required']))
  const { statusCode, headers, body } = await pool.request({ path, method: 'GET', headers: { 'payment-signature': payment } })
  const bytes = Buffer.from(await body.arrayBuffer())
  response.writeHead(statusCode, { 'content-type': String(headers['content-type']), 'content-length': bytes.length })
  response.end(bytes)
}

const server = createServer((request, response) => {
  buy(request.url ?? '/', response).catch((fault: unknown) => {
    console.error(fault)
    response.destroy()
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(JSON.stringify({ port: typeof address === 'object' && address ? address.port : 0 }))
})
process.on('disconnect', () => process.exit(0))
