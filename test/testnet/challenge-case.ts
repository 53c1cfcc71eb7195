/** What a challenge case is: how to build it, and what a careful payer does with it. */
import type { Terms, Version, WireAnswer } from './wire.ts'

/**
 * refused: the payer answers for itself and pays nothing. passes: no challenge of this protocol, so it reaches the agent
 * byte for byte. payable: honest in spite of its looks. unpaid: whatever the agent gets, nothing is paid. either: paying
 * the decided price and refusing are both right; what matters is that memory stays bounded and nothing else is signed.
 */
export type Verdict = 'refused' | 'passes' | 'payable' | 'unpaid' | 'either'

export interface EvilChallenge {
  readonly verdict: Verdict
  /** The code of the refusal, where it is certain. */
  readonly code?: 'asset_unknown' | 'network_not_allowed' | 'scheme_not_supported' | 'challenge_invalid'
  readonly versions: readonly Version[]
  /** `endless`: the body never ends. */
  readonly build: (version: Version, terms: Terms, browser: boolean) => WireAnswer | 'endless'
}

export type RefusalCode = NonNullable<EvilChallenge['code']>

export const BOTH = [1, 2] as const

export function challengeCase(
  verdict: Verdict,
  versions: readonly Version[],
  build: EvilChallenge['build'],
  code?: RefusalCode,
): EvilChallenge {
  return { verdict, versions, build, ...(code && { code }) }
}
