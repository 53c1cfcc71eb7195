/**
 * A wallet whose key is with Coinbase (its CDP wallets): each operation is shown to its API, and what it answers counts only
 * where this account signed exactly that. Its SDK makes the credentials of each request. The request itself is ours, because
 * the SDK's own client reports each signature and fault to an address of its own, repeats requests by itself, and knows
 * neither our way out nor our bounds.
 */
import { getAddress } from 'viem'
import { z } from 'zod'
import type { Fetch } from '../http.ts'
import { type Asked, boundedText, createAskedWallet, jsonIn, typedDataText, unavailable } from './remote.ts'
import type { Hex, Wallet } from './wallet.ts'

type Sdk = Pick<typeof import('@coinbase/cdp-sdk/auth'), 'getAuthHeaders'>

export interface CoinbaseAccount {
  /** Where the API is, such as https://api.cdp.coinbase.com/platform. */
  readonly url: string
  /** The account that pays. */
  readonly address: Hex
  readonly apiKeyId: string
  /** PEM of an EC key, or an Ed25519 key in base64. */
  readonly apiKeySecret: string
  /** A PKCS #8 key in base64. */
  readonly walletSecret: string
  readonly timeout_ms: number
  readonly fetch: Fetch
  /** The SDK, which is installed apart. */
  readonly load?: () => Promise<Sdk>
}

const answerSchema = z.object({ signature: z.string() })

/** @throws Error where the SDK is not installed, or a secret is not of the form that Coinbase gives; it holds nothing of them */
export async function createCoinbaseWallet(account: CoinbaseAccount): Promise<Wallet> {
  const own = getAddress(account.address)
  const { getAuthHeaders } = await loadSdk(account)
  const { apiKeyId, apiKeySecret, walletSecret } = account
  const headersFor = (url: URL, requestBody: unknown) =>
    getAuthHeaders({
      ...{ apiKeyId, apiKeySecret, walletSecret, requestBody, source: 'purser' },
      ...{ requestMethod: 'POST', requestHost: url.host, requestPath: url.pathname },
    })
  await checkSecrets(() => headersFor(endpointOf(account, own, 'message'), { message: 'a check at the start' }))
  return createAskedWallet(own, (asked) => {
    const [url, body] = callFor(account, own, asked)
    return ask(account, { url, body, headers: () => headersFor(url, body) })
  })
}

async function loadSdk({ load = () => import('@coinbase/cdp-sdk/auth') }: CoinbaseAccount): Promise<Sdk> {
  try {
    return await load()
  } catch (cause) {
    throw new Error('A wallet of kind coinbase needs its SDK beside Purser. Install it: npm install @coinbase/cdp-sdk', { cause })
  }
}

/** A library's error may quote a secret, so it is not kept as a cause. */
async function checkSecrets(sign: () => Promise<unknown>): Promise<void> {
  try {
    await sign()
  } catch {
    throw new Error(
      'wallet.apiKeySecret or wallet.walletSecret is not of the form that Coinbase gives: a PEM or Ed25519 key, and a PKCS #8 key in base64',
    )
  }
}

/** By the paths and bodies of the CDP API, version 2. */
function callFor(account: CoinbaseAccount, own: Hex, asked: Asked): readonly [url: URL, body: unknown] {
  if (asked.kind === 'text') return [endpointOf(account, own, 'message'), { message: asked.text }]
  const { domain, types, primaryType, message } = z
    .object({ domain: z.unknown(), types: z.unknown(), primaryType: z.string(), message: z.unknown() })
    .parse(JSON.parse(typedDataText(asked.data)))
  return [endpointOf(account, own, 'typed-data'), { domain, types, primaryType, message }]
}

function endpointOf({ url }: CoinbaseAccount, own: Hex, what: 'typed-data' | 'message'): URL {
  return new URL(`${url.replace(/\/+$/, '')}/v2/evm/accounts/${own}/sign/${what}`)
}

interface Call {
  readonly url: URL
  readonly body: unknown
  readonly headers: () => Promise<Record<string, string>>
}

/** Neither its words nor its address are shown: an agent reads this. */
async function ask({ timeout_ms, fetch }: CoinbaseAccount, { url, body, headers }: Call): Promise<unknown> {
  const signal = AbortSignal.timeout(timeout_ms)
  try {
    const init = { method: 'POST', headers: await headers(), body: JSON.stringify(body), signal, redirect: 'error' } as const
    const response = await fetch(url.href, init)
    const text = await boundedText(response)
    if (!response.ok) throw unavailable(`Coinbase answered ${response.status}.`)
    const answer = answerSchema.safeParse(jsonIn(text))
    if (answer.success) return answer.data.signature
    throw unavailable('Coinbase answered with something that holds no signature.')
  } catch (fault) {
    if (signal.aborted) throw unavailable(`It did not answer within ${timeout_ms / 1000} s.`, fault)
    if (fault instanceof Error && 'refusal' in fault) throw fault
    throw unavailable('It cannot be reached.', fault)
  }
}
