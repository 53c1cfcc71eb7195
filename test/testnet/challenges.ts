/** All challenges by name that are wrong, greedy, enormous, or no challenges at all. */
import type { EvilChallenge } from './challenge-case.ts'
import { EVIL_ENVELOPES } from './evil-envelopes.ts'
import { EVIL_OFFERS } from './evil-offers.ts'

export const CHALLENGES: Readonly<Record<string, EvilChallenge>> = { ...EVIL_OFFERS, ...EVIL_ENVELOPES }
