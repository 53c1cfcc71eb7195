/** Two servers of one network: nothing is concluded that only one of them shows. */
import type { ChainFinding } from './chain.ts'
import type { Sighting } from './find.ts'

/** The finding that both have, else `unavailable` with what each says. */
export function agree(one: Sighting, other: Sighting): ChainFinding {
  const [mine, theirs] = [one.finding, other.finding]
  if (mine.kind === 'unavailable') return mine
  if (theirs.kind === 'unavailable') return theirs
  const same =
    mine.kind === theirs.kind &&
    transactionOf(mine) === transactionOf(theirs) &&
    amountOf(mine) === amountOf(theirs) &&
    one.blockHash === other.blockHash
  if (same) return mine
  return {
    kind: 'unavailable',
    reason: `The two servers of the network disagree: the first says ${describe(mine)}; the second says ${describe(theirs)}.`,
  }
}

/** What is open is not told apart by how far each server sees. */
function transactionOf(finding: ChainFinding): string | undefined {
  return 'transaction' in finding ? finding.transaction : undefined
}

function amountOf(finding: ChainFinding): bigint | undefined {
  return finding.kind === 'settled' ? finding.amountAtomic : undefined
}

function describe(finding: ChainFinding): string {
  switch (finding.kind) {
    case 'settled':
    case 'used_otherwise':
    case 'cancelled':
      return `${finding.kind.replace('_', ' ')} by ${finding.transaction} in block ${finding.block}`
    case 'dead':
      return `unused in final block ${finding.block}`
    case 'open':
    case 'unavailable':
      return `${finding.kind} (${finding.reason})`
  }
}
