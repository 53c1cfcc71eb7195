/**
 * A stand-in for the part of Coinbase's CDP API (version 2) that signs, for tests only, written from its published OpenAPI
 * description: `POST /v2/evm/accounts/{address}/sign/typed-data` and `…/sign/message`. It verifies both tokens of a request
 * as the description says they are made. What stands before `/v2` chooses how it behaves: an honest one is at `/platform`.
 */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { jwtVerify } from 'jose'
import type { Hex, TypedDataDefinition } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import { listen } from '../testnet/doors.ts'

export interface CoinbaseAt extends AsyncDisposable {
  readonly url: string
  readonly credentials: { readonly apiKeyId: string; readonly apiKeySecret: string; readonly walletSecret: string }
  /** Paths and bodies of all requests, in order. */
  readonly seen: { readonly path: string; readonly body: unknown }[]
}

/** Ed25519 is what new keys are of, EC (P-256) what old ones are. */
export type ApiKeyKind = 'ed25519' | 'ec'

const typedData = z.strictObject({
  domain: z.strictObject({
    name: z.string().optional(),
    version: z.string().optional(),
    chainId: z.int().optional(),
    verifyingContract: z.string().optional(),
    salt: z.string().optional(),
  }),
  types: z.record(z.string(), z.array(z.strictObject({ name: z.string(), type: z.string() }))),
  primaryType: z.string(),
  message: z.record(z.string(), z.unknown()),
})
const textMessage = z.strictObject({ message: z.string() })
const PATH = /^\/([a-z-]+)(\/v2\/evm\/accounts\/(0x[0-9a-fA-F]{40})\/sign\/(typed-data|message))$/

export async function startCoinbase(key: Hex, kind: ApiKeyKind = 'ed25519'): Promise<CoinbaseAt> {
  const [honest, stranger] = [privateKeyToAccount(key), privateKeyToAccount(`0x${'5a'.repeat(32)}`)]
  const api = apiKeyOf(kind)
  const wallet = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const seen: { path: string; body: unknown }[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const text = await textOf(request)
    const body: unknown = JSON.parse(text)
    const path = request.url ?? ''
    seen.push({ path, body })
    const say = (status: number, said: unknown) => response.writeHead(status).end(typeof said === 'string' ? said : JSON.stringify(said))
    const [, manner, , address, what] = PATH.exec(path) ?? []
    const asked = { uri: `POST ${request.headers.host}${path}`, body }
    if (!(await isKnown(request, asked, { api: api.publicKey, wallet: wallet.publicKey })))
      return say(401, { errorType: 'unauthorized', errorMessage: 'canary: unauthorized' })
    if (address !== honest.address) return say(404, { errorType: 'not_found', errorMessage: 'canary' })
    if (manner === 'silent') return
    if (manner === 'refusing') return say(403, { errorType: 'policy_violation', errorMessage: 'canary: denied' })
    if (manner === 'words') return say(200, '<html>canary</html>')
    if (manner === 'endless') return say(200, 'x'.repeat(1_000_000))
    if (manner === 'moved') return response.writeHead(307, { location: '/platform' }).end()
    const account = manner === 'stranger' ? stranger : honest
    if (what === 'message') return say(200, { signature: await account.signMessage(textMessage.parse(body)) })
    const data = typedData.parse(body)
    if (manner === 'greedy') data.message.value = `${data.message.value}0`
    return say(200, { signature: await account.signTypedData(data as unknown as TypedDataDefinition) })
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() =>
      response.writeHead(400).end(JSON.stringify({ errorType: 'invalid_request', errorMessage: 'canary' })),
    )
  })
  const port = await listen(server)
  const walletSecret = wallet.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
  return {
    url: `http://127.0.0.1:${port}`,
    credentials: { apiKeyId: KEY_ID, apiKeySecret: api.secret, walletSecret },
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

const KEY_ID = '0b1f2c3d-0000-4000-8000-0000000000aa'

function apiKeyOf(kind: ApiKeyKind): { readonly publicKey: KeyObject; readonly secret: string } {
  if (kind === 'ec') {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return { publicKey, secret: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() }
  }
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' })
  return { publicKey, secret: Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]).toString('base64') }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

interface AskedFor {
  readonly uri: string
  readonly body: unknown
}

async function isKnown(
  { headers }: IncomingMessage,
  { uri, body }: AskedFor,
  keys: { readonly api: KeyObject; readonly wallet: KeyObject },
): Promise<boolean> {
  try {
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
    const { payload } = await jwtVerify(bearer, keys.api, { issuer: 'cdp', subject: KEY_ID, requiredClaims: ['exp'] })
    const wallet = await jwtVerify(String(headers['x-wallet-auth']), keys.wallet, { algorithms: ['ES256'] })
    const reqHash = createHash('sha256')
      .update(JSON.stringify(sorted(body)))
      .digest('hex')
    return String(payload.uris) === uri && String(wallet.payload.uris) === uri && wallet.payload.reqHash === reqHash
  } catch {
    return false
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  )
}
