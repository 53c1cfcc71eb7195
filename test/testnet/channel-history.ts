/** What the chain has of the channels of one payer, from its logs: the other book, which the ledger has to equal. */
import { type Hex, parseAbi } from 'viem'
import { type Chain, USDC } from './chain.ts'
import { DEPOSIT_COLLECTOR, ESCROW } from './channels.ts'

const tokenAbi = parseAbi(['event Transfer(address indexed from, address indexed to, uint256 value)'])
const escrowAbi = parseAbi([
  'event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance)',
  'event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed)',
  'event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount)',
  'event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter)',
  'event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount)',
])

/** Atomic units. */
export interface ChannelHistory {
  readonly id: Hex
  readonly deposited: bigint
  readonly claimed: bigint
  /** By refunds and withdrawals. */
  readonly returned: bigint
  readonly withdrawals: number
  /** Every transaction that moved this channel's account. */
  readonly transactions: readonly Hex[]
}

/** Every channel that this payer has brought a deposit to, oldest first. */
export async function channelsOf(chain: Pick<Chain, 'client'>, payer: Hex): Promise<ChannelHistory[]> {
  const range = { fromBlock: 0n, strict: true } as const
  const [brought, logs] = await Promise.all([
    chain.client.getContractEvents({
      ...{ address: USDC, abi: tokenAbi, eventName: 'Transfer', args: { from: payer, to: DEPOSIT_COLLECTOR } },
      ...range,
    }),
    escrowLogs(chain),
  ])
  const deposits = new Set(brought.map(({ transactionHash }) => transactionHash))
  const opened = logs.filter(({ eventName, transactionHash }) => eventName === 'Deposited' && deposits.has(transactionHash))
  const ids = [...new Set(opened.map(({ args }) => args.channelId))]
  return ids.map((id) =>
    historyOf(
      id,
      logs.filter(({ args }) => args.channelId === id),
    ),
  )
}

type Log = Awaited<ReturnType<typeof escrowLogs>>[number]

function escrowLogs({ client }: Pick<Chain, 'client'>) {
  return client.getContractEvents({ address: ESCROW, abi: escrowAbi, fromBlock: 0n, strict: true })
}

function historyOf(id: Hex, logs: readonly Log[]): ChannelHistory {
  const sums = { deposited: 0n, claimed: 0n, returned: 0n, withdrawals: 0 }
  for (const { eventName, args } of logs) {
    if (eventName === 'Deposited') sums.deposited += args.amount
    if (eventName === 'Claimed') sums.claimed += args.claimAmount
    if (eventName === 'Refunded' || eventName === 'WithdrawFinalized') sums.returned += args.amount
    if (eventName === 'WithdrawFinalized') sums.withdrawals += 1
  }
  return { id, ...sums, transactions: [...new Set(logs.map(({ transactionHash }) => transactionHash))] }
}

/** What all of them come to. */
export function sumOf(channels: readonly ChannelHistory[]): Pick<ChannelHistory, 'deposited' | 'claimed' | 'returned'> {
  const sum = (of: (one: ChannelHistory) => bigint) => channels.reduce((all, one) => all + of(one), 0n)
  return { deposited: sum((one) => one.deposited), claimed: sum((one) => one.claimed), returned: sum((one) => one.returned) }
}
