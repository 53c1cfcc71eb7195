/** Broken controls: each is a fault that people have shipped. The checker has to find every one of them, or it proves nothing. */
import type { BrokenControl } from '../campaign.ts'
import { checkThenInsert } from './check-then-insert.ts'
import { freshNonce } from './fresh-nonce.ts'
import { readCommittedSum } from './read-committed-sum.ts'
import { releaseOnTimeout } from './release-on-timeout.ts'
import { sendBeforeStore } from './send-before-store.ts'

export const CONTROLS: readonly BrokenControl[] = [checkThenInsert, releaseOnTimeout, freshNonce, sendBeforeStore, readCommittedSum]
