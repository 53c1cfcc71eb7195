/** A payer as the official packages make it: @x402/fetch with the exact scheme of @x402/evm. Each has a key of its own. */
import { readFile } from 'node:fs/promises'
import { registerExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { Agent } from 'undici'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { Testnet } from './testnet.ts'

export interface OfficialClient extends AsyncDisposable {
  readonly address: Hex
  /** `fetch` that pays once when it is asked to. */
  readonly pay: (url: string, init?: RequestInit) => Promise<Response>
  /** The same trust in the testnet's authority, without paying. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
}

/** @param atomic what its wallet starts with. */
export async function makeOfficialClient(testnet: Testnet, atomic: bigint): Promise<OfficialClient> {
  const account = privateKeyToAccount(generatePrivateKey())
  await testnet.fund(account.address, atomic)
  const client = new x402Client()
  registerExactEvmScheme(client, { signer: account })
  const dispatcher = new Agent({ connect: { ca: await readFile(testnet.caFile, 'utf8') } })
  const trusting = (input: string | URL | Request, init?: RequestInit) => fetch(input, Object.assign({}, init, { dispatcher }))
  return {
    address: account.address,
    pay: wrapFetchWithPayment(trusting, client),
    fetch: trusting,
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  }
}
