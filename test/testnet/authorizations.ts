/** Authorizations on the test chain: signed by a payer of our own wallet, settled and cancelled by whoever holds them. */
import { encodeFunctionData, type Hex, numberToHex, parseAbi, toHex } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { z } from 'zod'
import type { SignedTransfer } from '../../src/chain/chain.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import type { TransferAuthorization, Wallet } from '../../src/wallet/wallet.ts'
import { type Chain, NETWORK, USDC } from './chain.ts'

export const DOMAIN = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: USDC } as const
export const PAYEE: Hex = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'

const abi = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
  'function transfer(address to, uint256 value) returns (bool)',
])
const block = z.object({ timestamp: z.templateLiteral(['0x', z.string()]), number: z.templateLiteral(['0x', z.string()]) })

export interface SignedPayment {
  readonly transfer: SignedTransfer
  readonly authorization: TransferAuthorization
  readonly signature: Hex
}

export interface Payer {
  readonly wallet: Wallet
  readonly address: Hex
  /** An authorization that opens ten minutes before the newest block and closes `window_s` after it. */
  sign(terms?: { readonly amountAtomic?: bigint; readonly window_s?: number; readonly payTo?: Hex }): Promise<SignedPayment>
}

/** A wallet, fresh unless one is given, with ten dollars more. */
export async function makePayer(chain: Chain, wallet: Wallet = createLocalWallet({ key: generatePrivateKey() })): Promise<Payer> {
  const address = await wallet.address(null)
  await chain.fund(address, 10_000_000n)
  return {
    wallet,
    address,
    async sign({ amountAtomic = 1_000n, window_s = 60, payTo = PAYEE } = {}) {
      const signedAt_s = await chainTime(chain)
      const nonce = toHex(crypto.getRandomValues(new Uint8Array(32)))
      const window = { validAfter: BigInt(signedAt_s - 600), validBefore: BigInt(signedAt_s + window_s) }
      const authorization = { domain: DOMAIN, from: address, to: payTo, value: amountAtomic, ...window, nonce }
      const transfer = { network: NETWORK, token: USDC, payer: address, payTo, nonce, amountAtomic, validBefore_s: signedAt_s + window_s }
      return { authorization, signature: await wallet.signTransfer(null, authorization), transfer: { ...transfer, signedAt_s } }
    },
  }
}

/** Seconds since 1970, of the newest block. */
export async function chainTime(chain: Pick<Chain, 'rpc'>): Promise<number> {
  return Number(block.parse(await chain.rpc('eth_getBlockByNumber', ['latest', false])).timestamp)
}

export async function height(chain: Pick<Chain, 'rpc'>): Promise<bigint> {
  return BigInt(block.parse(await chain.rpc('eth_getBlockByNumber', ['latest', false])).number)
}

/** The next block, and what it contains, is of this second. */
export async function nextBlockAt(chain: Pick<Chain, 'rpc'>, time_s: number): Promise<void> {
  await chain.rpc('evm_setNextBlockTimestamp', [numberToHex(time_s)])
}

/** Hands the authorization in, and says whether the token took it. */
export async function settle(chain: Chain, { authorization, signature }: SignedPayment): Promise<{ transaction: Hex; succeeded: boolean }> {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const args = [from, to, value, validAfter, validBefore, nonce, signature] as const
  return submit(chain, { to: USDC, data: encodeFunctionData({ abi, functionName: 'transferWithAuthorization', args }) })
}

/** A transaction of the rich account that calls whatever it is told to. */
export async function submit(
  chain: Chain,
  call: { readonly to: Hex; readonly data: Hex },
): Promise<{ transaction: Hex; succeeded: boolean }> {
  const transaction = await chain.sender.send(call)
  const receipt = await chain.client.waitForTransactionReceipt({ hash: transaction })
  return { transaction, succeeded: receipt.status === 'success' }
}

/** A plain transfer by an account of the chain that needs no key. */
export async function transferBack(chain: Chain, from: Hex, { to, amountAtomic }: { readonly to: Hex; readonly amountAtomic: bigint }) {
  await chain.rpc('anvil_impersonateAccount', [from])
  await chain.rpc('anvil_setBalance', [from, numberToHex(10n ** 18n)])
  const data = encodeFunctionData({ abi, functionName: 'transfer', args: [to, amountAtomic] })
  const hash = z.templateLiteral(['0x', z.string()]).parse(await chain.rpc('eth_sendTransaction', [{ from, to: USDC, data }]))
  await chain.client.waitForTransactionReceipt({ hash })
  return hash
}

/**
 * Code of a contract that writes any two logs of three topics: words 0 to 2 of what it is called with are the first log's
 * topics, words 3 to 5 the second one's, and word 6 is the second one's data. A token can say what it likes.
 */
export const FORGER_CODE: Hex = `0x${[
  '604035602035600035', // the first log's topics
  '60006000a3', // written, without data
  '602060c0600037', // its data: one word
  '60a035608035606035', // the second log's topics
  '60206000a300', // written
].join('')}`
