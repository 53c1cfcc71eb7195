/**
 * A wallet whose key is with an HTTP signer that speaks JSON-RPC as Ethereum's wallets do (Web3Signer, Clef and others).
 * It is shown the typed data of one operation, and what it answers counts only where the configured address signed exactly
 * that. Where it refuses, is late or answers something else, nothing was sent: whoever asked frees what was reserved.
 */
import { inspect } from 'node:util'
import {
  bytesToHex,
  concat,
  getAddress,
  getTypesForEIP712Domain,
  numberToHex,
  pad,
  parseTransaction,
  serializeTypedData,
  stringToHex,
  type TypedDataDefinition,
} from 'viem'
import { z } from 'zod'
import { type ChannelConfig, depositTypedData, digestDeposit, digestVoucher, voucherTypedData } from '../channel-digest.ts'
import { refused } from '../errors.ts'
import type { Fetch } from '../http.ts'
import { digestPermit, permitTypedData } from '../permit-digest.ts'
import { ecdsa } from '../secp256k1.ts'
import { allowanceTypedData, digestAllowance } from '../sponsored-allowance.ts'
import { digestCancel, digestTransfer } from '../transfer-digest.ts'
import { MAX_REMOTE_ANSWER_BYTES } from '../wallet-limits.ts'
import { digestWithdrawal, signedWithdrawal, type WithdrawalTransaction, withdrawalCall } from '../withdrawal.ts'
import { digestLogin, loginText } from './login.ts'
import type { CancelAuthorization, ChannelWallet, Hex, TransferAuthorization, Wallet } from './wallet.ts'

export interface RemoteSigner {
  readonly url: string
  /** The account that pays. */
  readonly address: Hex
  /** Bearer token. */
  readonly token: string | undefined
  readonly timeout_ms: number
  readonly fetch: Fetch
}

/** A method with its arguments. What one signer calls so another one calls otherwise. */
type Call = readonly [method: string, params: readonly unknown[]]

/** EIP-1474; Clef and Web3Signer answer so for what they do not have. */
const METHOD_NOT_FOUND = -32601
const SIGNATURE = /^0x[0-9a-fA-F]{130}$/

const answerSchema = z.object({ result: z.unknown().optional(), error: z.looseObject({ code: z.number() }).nullish() })

export function createRemoteWallet(signer: RemoteSigner): Wallet & ChannelWallet {
  const own = getAddress(signer.address)
  const typed = (data: TypedDataDefinition) => firstAnswer(signer, typedCalls(own, data))
  const wallet = createAskedWallet(own, (asked) =>
    asked.kind === 'typed' ? typed(asked.data) : firstAnswer(signer, loginCalls(own, asked.text)),
  )
  const transaction = async (data: WithdrawalTransaction) => signatureIn(await firstAnswer(signer, transactionCalls(own, data)))
  return Object.assign(wallet, channelsAsked(own, { typed, transaction }))
}

interface AskedForChannels {
  typed(data: TypedDataDefinition): Promise<unknown>
  transaction(data: WithdrawalTransaction): Promise<unknown>
}

function channelsAsked(own: Hex, ask: AskedForChannels): Omit<ChannelWallet, 'address'> {
  const check = (walletName: string | null, { payer, payerAuthorizer }: ChannelConfig) => {
    checkName(walletName)
    if (payer !== own || payerAuthorizer !== own) throw refused('internal_error', 'This is not for this wallet. Nothing was signed.')
  }
  return {
    async signDeposit(name, data) {
      check(name, data.channel)
      return verified(await ask.typed(depositTypedData(data)), { digest: digestDeposit(data), own })
    },
    async signVoucher(name, data) {
      check(name, data.channel)
      return verified(await ask.typed(voucherTypedData(data)), { digest: digestVoucher(data), own })
    },
    async signWithdrawal(name, data) {
      check(name, data.channel)
      return signedWithdrawal(data, await verified(await ask.transaction(data), { digest: digestWithdrawal(data), own }))
    },
  }
}

/** What a signer elsewhere is shown: the typed data (EIP-712) of one operation, or the text of a login. */
export type Asked = { readonly kind: 'typed'; readonly data: TypedDataDefinition } | { readonly kind: 'text'; readonly text: string }

/** A wallet of one address whose signatures `ask` brings from elsewhere. Each counts only where this address signed exactly what was asked. */
export function createAskedWallet(own: Hex, ask: (asked: Asked) => Promise<unknown>): Wallet {
  const sign = async (walletName: string | null, payer: Hex, digest: Uint8Array, asked: Asked): Promise<Hex> => {
    checkName(walletName)
    if (payer !== own) throw refused('internal_error', 'This is not for this wallet. Nothing was signed.')
    return verified(await ask(asked), { digest, own })
  }
  const typed = (data: TypedDataDefinition) => ({ kind: 'typed' as const, data })
  const wallet: Wallet = {
    async address(walletName) {
      checkName(walletName)
      return own
    },
    signTransfer: async (name, data) => sign(name, data.from, digestTransfer(data), typed(transferTypedData(data))),
    signCancel: async (name, data) => sign(name, data.authorizer, digestCancel(data), typed(cancelTypedData(data))),
    signPermit: async (name, data) => sign(name, data.from, digestPermit(data), typed(permitTypedData(data))),
    signAllowance: async (name, data) => sign(name, data.owner, digestAllowance(data), typed(allowanceTypedData(data))),
    signLogin: async (name, data) => sign(name, data.address, digestLogin(data), { kind: 'text', text: loginText(data) }),
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => `Wallet { ${own} }` })
  return wallet
}

function checkName(walletName: string | null): void {
  if (walletName !== null && walletName !== 'default')
    throw refused('not_found', 'There is no wallet of this name; the remote one is "default".')
}

/** As wallets and nodes name it, as Web3Signer does, and as Clef does, which takes the object itself. */
function typedCalls(own: Hex, data: TypedDataDefinition): Call[] {
  const text = typedDataText(data)
  return [
    ['eth_signTypedData_v4', [own, text]],
    ['eth_signTypedData', [own, text]],
    ['account_signTypedData', [own, JSON.parse(text)]],
  ]
}

/** As JSON. Signers need the domain's own type; viem leaves out a domain that has none. */
export function typedDataText(data: TypedDataDefinition): string {
  const types = { EIP712Domain: getTypesForEIP712Domain({ domain: data.domain }), ...data.types }
  return serializeTypedData({ ...data, types } as TypedDataDefinition)
}

/** A signer that also sends transactions is not asked to: ours is journalled before it leaves. */
function transactionCalls(own: Hex, transaction: WithdrawalTransaction): Call[] {
  const { to, data, chainId } = withdrawalCall(transaction)
  const { nonce, gas, gasPrice } = transaction
  const numbers = { gas: numberToHex(gas), gasPrice: numberToHex(gasPrice), nonce: numberToHex(nonce), chainId: numberToHex(chainId) }
  const params = { from: own, to, value: '0x0', data, ...numbers }
  return [
    ['eth_signTransaction', [params]],
    ['account_signTransaction', [params]],
  ]
}

/** Of a raw transaction, which some signers put beside its parts. What it says else is ours to compare. */
function signatureIn(answer: unknown): unknown {
  const raw: unknown = typeof answer === 'object' && answer !== null && 'raw' in answer ? answer.raw : answer
  if (typeof raw !== 'string' || !/^0x([0-9a-f]{2})+$/i.test(raw)) return undefined
  try {
    const { r, s, yParity } = parseTransaction(raw as Hex)
    return r && s && yParity !== undefined && concat([pad(r, { size: 32 }), pad(s, { size: 32 }), numberToHex(yParity + 27)])
  } catch {
    return undefined
  }
}

function loginCalls(own: Hex, written: string): Call[] {
  const text = stringToHex(written)
  return [
    ['personal_sign', [text, own]],
    ['eth_sign', [own, text]],
    ['account_signData', ['text/plain', own, text]],
  ]
}

const address = (name: string) => ({ name, type: 'address' })
const uint = (name: string) => ({ name, type: 'uint256' })
const NONCE = { name: 'nonce', type: 'bytes32' }

/** EIP-3009. */
export function transferTypedData({ domain, from, to, value, validAfter, validBefore, nonce }: TransferAuthorization): TypedDataDefinition {
  const TransferWithAuthorization = [address('from'), address('to'), uint('value'), uint('validAfter'), uint('validBefore'), NONCE]
  const message = { from, to, value, validAfter, validBefore, nonce }
  return { domain: domainOf(domain), types: { TransferWithAuthorization }, primaryType: 'TransferWithAuthorization', message }
}

export function cancelTypedData({ domain, authorizer, nonce }: CancelAuthorization): TypedDataDefinition {
  const CancelAuthorization = [address('authorizer'), NONCE]
  return { domain: domainOf(domain), types: { CancelAuthorization }, primaryType: 'CancelAuthorization', message: { authorizer, nonce } }
}

function domainOf({ name, version, chainId, verifyingContract }: TransferAuthorization['domain']) {
  return { name, version, chainId, verifyingContract }
}

/** Of the first method that the signer has. One that it does not have signed nothing. */
async function firstAnswer(signer: RemoteSigner, calls: readonly Call[]): Promise<unknown> {
  const signal = AbortSignal.timeout(signer.timeout_ms)
  for (const call of calls) {
    const { result, error } = await ask(signer, call, signal)
    if (!error) return result
    if (error.code !== METHOD_NOT_FOUND) throw unavailable(`It refused to sign (JSON-RPC error ${error.code}).`)
  }
  throw unavailable(`It has none of the methods ${calls.map(([method]) => method).join(', ')}.`)
}

/** Neither the URL nor the signer's words are shown: an agent reads this. */
async function ask({ url, token, timeout_ms, fetch }: RemoteSigner, [method, params]: Call, signal: AbortSignal) {
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' })
    const text = await boundedText(response)
    const answer = answerSchema.safeParse(jsonIn(text))
    if (answer.success) return answer.data
    throw unavailable(`It answered ${response.status} with something that is no JSON-RPC.`)
  } catch (fault) {
    if (signal.aborted) throw unavailable(`It did not answer within ${timeout_ms / 1000} s.`, fault)
    if (fault instanceof Error && 'refusal' in fault) throw fault
    throw unavailable('It cannot be reached.', fault)
  }
}

export async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_REMOTE_ANSWER_BYTES) throw unavailable(`It answered with more than ${MAX_REMOTE_ANSWER_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Some signers count the last byte from 0, which tokens do not take. */
async function verified(answer: unknown, { digest, own }: { readonly digest: Uint8Array; readonly own: Hex }): Promise<Hex> {
  if (typeof answer !== 'string' || !SIGNATURE.test(answer)) throw unavailable('It answered with something that is no signature.')
  const bytes = Buffer.from(answer.slice(2), 'hex')
  const recovery = bytes.readUInt8(64)
  bytes.writeUInt8(recovery < 27 ? (recovery + 27) % 256 : recovery, 64)
  const signature = bytesToHex(bytes)
  if (await ecdsa.isSignedBy(digest, signature, own)) return signature
  throw unavailable(`What it signed is not what it was shown, or not by ${own}.`)
}

export function unavailable(why: string, cause?: unknown) {
  return refused('wallet_unavailable', `The remote signer did not sign. ${why} Nothing was sent.`, cause)
}
