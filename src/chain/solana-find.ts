/**
 * Finding out, from one Solana server, what became of a signed transfer. Settled is a final transaction that carries the
 * owner's own signature, which is over exactly the bytes that were decided. Dead is only what is in no final block after
 * the last one that could take it, by a list that reaches back to before it was signed.
 */
import { INDEX_LAG_BLOCKS, MAX_CANDIDATES, MAX_SIGNATURE_PAGES } from '../solana-limits.ts'
import { readProof, type SolanaProof } from '../solana-proof.ts'
import type { ChainFinding, SignedTransfer } from './chain.ts'
import { RpcError } from './rpc.ts'
import type { FinalSlot, Listed, SolanaNode } from './solana-node.ts'

/** @throws RpcError where the server gives no answer that holds; Error for a transfer that was not signed for Solana. */
export async function lookOnSolana(node: SolanaNode, transfer: SignedTransfer): Promise<ChainFinding> {
  const proof = readProof(transfer.authorized ?? '')
  // First how far the chain is, then what it holds: a list that is newer shows more, and never less.
  const final = await node.final()
  const listed = await listSince(node, { account: transfer.payer, final, since: proof.slot })
  const candidates = listed.filter(({ failed, memo }) => !failed && mayBe(memo, proof))
  if (candidates.length > MAX_CANDIDATES)
    throw new RpcError(`${node.host} lists more transactions of ${transfer.payer} than are read for one payment.`)
  for (const { signature } of candidates) {
    const { signatures, failed, slot, time_s } = await node.transaction(signature)
    if (failed || !signatures.includes(proof.signature)) continue
    return { kind: 'settled', transaction: signature, block: slot, time_s: time_s ?? transfer.signedAt_s }
  }
  return judgeSilence(node, { proof, final })
}

interface Span {
  readonly account: string
  readonly final: FinalSlot
  readonly since: bigint
}

/** All that the account was in since then; the owner signs, so that each of its payments is in its list. */
async function listSince(node: SolanaNode, { account, final, since }: Span): Promise<readonly Listed[]> {
  const found: Listed[] = []
  let before: string | undefined
  for (let page = 0; page < MAX_SIGNATURE_PAGES; page++) {
    const list = await node.listed({ account, at: final.slot, ...(before !== undefined && { before }) })
    found.push(...list.filter(({ slot }) => slot >= since))
    const last = list.at(-1)
    if (!last || last.slot < since) return found
    if (last.signature === before) throw new RpcError(`${node.host} gives one page of transactions again and again.`)
    before = last.signature
  }
  throw new RpcError(`${node.host} lists more transactions of ${account} than are read for one payment.`)
}

const OWN_MEMO = /^\[32\] ([0-9a-f]{32})$/

/** False only for what is plainly another payment's: how servers write other memos is not relied on. */
function mayBe(memo: string | null, proof: SolanaProof): boolean {
  const own = memo === null ? undefined : OWN_MEMO.exec(memo)?.[1]
  return own === undefined || own === proof.memo
}

async function judgeSilence(
  node: SolanaNode,
  { proof, final }: { readonly proof: SolanaProof; readonly final: FinalSlot },
): Promise<ChainFinding> {
  const end = proof.lastValidBlockHeight + INDEX_LAG_BLOCKS
  if (final.blockHeight <= end) {
    const reason = `In no final block so far. It is dead once a block higher than ${end} is final; the last final one is ${final.blockHeight}.`
    return { kind: 'open', reason }
  }
  const oldest = await node.firstAvailable()
  if (oldest > proof.slot) throw new RpcError(`${node.host} has no transactions before slot ${oldest}, and it was signed at ${proof.slot}.`)
  return { kind: 'dead', block: final.slot, time_s: await node.timeOf(final.slot) }
}
