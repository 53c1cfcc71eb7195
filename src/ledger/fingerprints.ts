/** Fingerprints: by them a ledger knows the secrets of whoever came first, and refuses others (rule R21). */
import { refused } from '../errors.ts'

type Fingerprints = Readonly<Record<string, string>>

/**
 * Compares what a start brings with what the ledger knows, by name.
 * @returns those that the ledger does not know yet, to be stored
 * @throws PurserError `conflict` that names every secret that differs
 */
export function checkFingerprints(known: Fingerprints, brought: Fingerprints): Fingerprints {
  const names = Object.keys(brought).sort()
  const different = names.filter((name) => known[name] !== undefined && known[name] !== brought[name])
  if (different.length > 0) throw refused('conflict', sentence(different))
  return Object.fromEntries(names.filter((name) => known[name] === undefined).map((name) => [name, brought[name] ?? '']))
}

function sentence(different: readonly string[]): string {
  const named = different.map((name) => `the ${name}`).join(' and ')
  const verb = different.length === 1 ? 'is not the one' : 'are not those'
  return `${named.charAt(0).toUpperCase()}${named.slice(1)} ${verb} that this ledger was begun with. Every process on a ledger needs the same secrets: restore it from where the others have theirs, or name the ledger that belongs to it.`
}
