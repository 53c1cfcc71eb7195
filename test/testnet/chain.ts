/** A chain of our own that says it is Base Sepolia, with a test token where USDC is. */
import { createPublicClient, encodeFunctionData, erc20Abi, type Hex, http, numberToHex, parseAbi, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { startAnvil } from './anvil.ts'
import { compileContracts } from './contracts.ts'

export const NETWORK = 'eip155:84532'
export const NETWORK_V1 = 'base-sepolia'
export const USDC: Hex = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'

const MULTICALL: Hex = '0xcA11bde05977b3631167028862bE2a173976CA11'
/** A transfer with authorization takes 85,000. Given rather than estimated: an estimate fails where the transfer would. */
const GAS = 300_000n
const MAX_FEE_PER_GAS = 100_000_000_000n
const tokenAbi = [
  ...erc20Abi,
  ...parseAbi([
    'function mint(address to, uint256 amount)',
    'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
    'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
    'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
  ]),
] as const

/** One transfer that the chain carried out for an authorization. */
export interface ChainSettlement {
  readonly nonce: Hex
  /** Atomic units. */
  readonly value: bigint
  readonly to: Hex
  readonly transaction: Hex
  readonly block: bigint
}

export interface Chain extends AsyncDisposable {
  readonly rpcUrl: string
  readonly client: ChainClient
  /** Sends transactions from one rich account, one after the other. */
  readonly sender: Sender
  /** Mints `atomic` units of the token. */
  fund(address: Hex, atomic: bigint): Promise<void>
  balanceOf(address: Hex): Promise<bigint>
  /** True where the nonce is used or cancelled. */
  authorizationUsed(payer: Hex, nonce: Hex): Promise<boolean>
  /** Every settled authorization of this payer, oldest first, from the logs. */
  settlementsFrom(payer: Hex): Promise<ChainSettlement[]>
  /** Mines blocks; the first one's time is `seconds` after the last block's. */
  mine(options: { readonly blocks: number; readonly seconds?: number }): Promise<void>
  /** Puts what this creation code makes at this address, without the storage that it would begin with. */
  place(address: Hex, creation: Hex): Promise<void>
  /** Any call of the chain's own interface. */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>
}

export async function startChain(): Promise<Chain> {
  const [anvil, contracts] = await Promise.all([startAnvil(baseSepolia.id), compileContracts()])
  const client = makeClient(anvil.rpcUrl)
  const rpc = (method: string, params: readonly unknown[] = []) => client.request<AnyRpc>({ method, params: [...params] })
  const place = async (address: Hex, creation: Hex) => {
    await rpc('anvil_setCode', [address, await rpc('eth_call', [{ data: creation, gas: toHex(20_000_000) }, 'latest'])])
  }
  const sender = makeSender(rpc)
  const rich = [sender.address, numberToHex(10n ** 24n)]
  await Promise.all([place(USDC, contracts.usdc), place(MULTICALL, contracts.multicall), rpc('anvil_setBalance', rich)])
  return { rpcUrl: anvil.rpcUrl, client, sender, rpc, place, ...tokenCalls(client, sender), ...timeCalls(rpc), ...disposal(anvil) }
}

export type ChainClient = ReturnType<typeof makeClient>

function makeClient(rpcUrl: string) {
  return createPublicClient({ chain: baseSepolia, transport: http(rpcUrl, { retryCount: 0 }), pollingInterval: 10 })
}

type AnyRpc = { Method: string; Parameters: unknown[]; ReturnType: unknown }
type Rpc = (method: string, params?: readonly unknown[]) => Promise<unknown>

function disposal(anvil: AsyncDisposable): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => anvil[Symbol.asyncDispose]() }
}

function timeCalls(rpc: Rpc): Pick<Chain, 'mine'> {
  return {
    mine: async ({ blocks, seconds }) => {
      if (seconds !== undefined) await rpc('evm_increaseTime', [numberToHex(seconds)])
      await rpc('anvil_mine', [numberToHex(blocks)])
    },
  }
}

function tokenCalls(
  client: ChainClient,
  sender: Sender,
): Omit<Chain, 'rpcUrl' | 'client' | 'sender' | 'rpc' | 'place' | 'mine' | keyof AsyncDisposable> {
  const token = { address: USDC, abi: tokenAbi } as const
  return {
    fund: async (address, atomic) => {
      const data = encodeFunctionData({ abi: tokenAbi, functionName: 'mint', args: [address, atomic] })
      await client.waitForTransactionReceipt({ hash: await sender.send({ to: USDC, data }) })
    },
    balanceOf: (address) => client.readContract({ ...token, functionName: 'balanceOf', args: [address] }),
    authorizationUsed: (payer, nonce) => client.readContract({ ...token, functionName: 'authorizationState', args: [payer, nonce] }),
    settlementsFrom: (payer) => readSettlements(client, payer),
  }
}

/** The token writes the transfer's log right after the authorization's, in the same transaction. */
async function readSettlements(client: ChainClient, payer: Hex): Promise<ChainSettlement[]> {
  const range = { address: USDC, abi: tokenAbi, fromBlock: 0n, strict: true } as const
  const [used, transfers] = await Promise.all([
    client.getContractEvents({ ...range, eventName: 'AuthorizationUsed', args: { authorizer: payer } }),
    client.getContractEvents({ ...range, eventName: 'Transfer', args: { from: payer } }),
  ])
  return used.map((log) => {
    const transfer = transfers.find((other) => other.transactionHash === log.transactionHash && other.logIndex === log.logIndex + 1)
    if (!transfer) throw new Error(`authorization ${log.args.nonce} was used without a transfer`)
    const { to, value } = transfer.args
    return { nonce: log.args.nonce, value, to, transaction: log.transactionHash, block: log.blockNumber }
  })
}

export interface Call {
  readonly to: Hex
  readonly data: Hex
  readonly gas?: bigint
}

export interface Sender {
  readonly address: Hex
  /** @returns the hash, when the chain has accepted the transaction; it may still revert, and does with too little `gas`. */
  send(call: Call): Promise<Hex>
}

/** The account is new in every run; its transaction count is kept here, so that parallel settlements never collide. */
function makeSender(rpc: Rpc): Sender {
  const account = privateKeyToAccount(generatePrivateKey())
  const fees = { gas: GAS, maxFeePerGas: MAX_FEE_PER_GAS, maxPriorityFeePerGas: 0n, chainId: baseSepolia.id }
  let count = 0
  let turn: Promise<unknown> = Promise.resolve()
  const submit = async (call: Call): Promise<Hex> => {
    const signed = await account.signTransaction({ ...fees, ...call, nonce: count, type: 'eip1559' })
    const hash = await rpc('eth_sendRawTransaction', [signed])
    count += 1
    return hash as Hex
  }
  return {
    address: account.address,
    send: (call) => {
      const mine = turn.then(() => submit(call))
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}
