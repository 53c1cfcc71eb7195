/** A chain on paper: blocks of a token's events, behind the same questions as a real server, for orders that no real chain is told to take. */
import { pad, toHex } from 'viem'
import type { SignedTransfer } from '../../src/chain/chain.ts'
import { CANCELLED, TRANSFER, topicOf, USED } from '../../src/chain/eip3009.ts'
import type { Block, EvmNode, Log } from '../../src/chain/evm-node.ts'
import { RpcError } from '../../src/chain/rpc.ts'

export const TOKEN = '0x036cbd53842c5426634e7929541ec2318f3dcf7e'
export const PAYER = '0x857b06519e91e3a54538791bdbb0e22373e36b66'
export const PAYEE = '0x209693bc6afc0c5328ba36faf03c514ef312287c'
export const TRANSFER_OF_ONE: SignedTransfer = {
  ...{ network: 'eip155:84532', token: TOKEN, payer: PAYER, payTo: PAYEE, nonce: `0x${'ab'.repeat(32)}` },
  ...{ amountAtomic: 1_000n, signedAt_s: 10_000, validBefore_s: 10_060 },
}

export type Happening = 'used' | 'cancelled' | 'used otherwise' | undefined

export interface PaperBlock {
  readonly time_s: number
  readonly happens?: Happening
  /** Tells two blocks of the same number apart. */
  readonly fork?: number
}

export interface PaperChain {
  readonly node: EvmNode
  /** Questions that were asked, by name. */
  readonly asked: string[]
  blocks: readonly PaperBlock[]
}

/** Block n is the n-th of the list. */
export function paperChain(blocks: readonly PaperBlock[], { transfer = TRANSFER_OF_ONE } = {}): PaperChain {
  const asked: string[] = []
  const chain: PaperChain = { asked, blocks, node: undefined as unknown as EvmNode }
  const at = (number: bigint): Block => {
    const found = chain.blocks[Number(number)]
    if (!found) throw new RpcError(`paper has no block ${number}.`)
    return { number, hash: hashOf(number, found), time_s: found.time_s }
  }
  const logsIn = (number: bigint) => eventsOf(at(number), chain.blocks[Number(number)]?.happens, transfer)
  const upTo = (last: bigint) => chain.blocks.slice(0, Number(last) + 1)
  const node: EvmNode = {
    host: 'paper',
    head: async () => at(BigInt(chain.blocks.length - 1)),
    block: async (number) => {
      asked.push('block')
      return at(number)
    },
    logs: async ({ topics, from, to }) => {
      asked.push(`logs ${from} to ${to}`)
      const all = chain.blocks.flatMap((_, index) => logsIn(BigInt(index)))
      const wanted = (log: Log) => topics.every((values, place) => values === null || values.includes(log.topics[place] ?? ''))
      return all.filter((log) => log.block >= from && log.block <= to && wanted(log))
    },
    logsOf: async (_, { number }) => logsIn(number),
    isUsed: async ({ block }) => {
      asked.push('state')
      return upTo(block).some(({ happens }) => happens !== undefined)
    },
    balance: async () => 0n,
    allowanceNonce: async () => 0n,
    allowance: async () => 0n,
    isPermitUsed: async () => false,
    inputOf: async () => '0x',
  }
  return Object.assign(chain, { node })
}

function hashOf(number: bigint, { fork = 0 }: PaperBlock): string {
  return pad(toHex(number * 1_000n + BigInt(fork)), { size: 32 })
}

function eventsOf({ number, hash }: Block, happens: Happening, { token, payer, payTo, nonce, amountAtomic }: SignedTransfer): Log[] {
  if (!happens) return []
  const place = { address: token, block: number, blockHash: hash, transaction: pad(toHex(number + 1n), { size: 32 }) }
  const end: Log = { ...place, topics: [happens === 'cancelled' ? CANCELLED : USED, topicOf(payer), nonce], data: '0x', index: 0 }
  if (happens === 'cancelled') return [end]
  const value = happens === 'used' ? amountAtomic : amountAtomic - 1n
  return [end, { ...place, topics: [TRANSFER, topicOf(payer), topicOf(payTo)], data: toHex(value, { size: 32 }), index: 1 }]
}
