/**
 * Workload identity: what a workload presents to prove what it is, instead of a key that somebody gave it. A token of a
 * Kubernetes service account, another OIDC token or a SPIFFE JWT-SVID is verified here against the issuers that the
 * operator configured; a client certificate was verified by TLS. What is proven is mapped to an agent and a budget.
 */
import { MAX_SUBJECT_CHARS } from '../people-limits.ts'
import type { Workload } from '../session/workload.ts'

/** A sentence that its presenter may read: it is about their own credential, and holds nothing of it. */
export interface NotProven {
  readonly why: string
}

/** Who it is, or why that is not proven. */
export type Proof = Workload | NotProven

/** Asymmetric signatures only: a secret that the issuer shares with us would let us, and whoever reads our files, forge. */
export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

export type Algorithm = (typeof ALGORITHMS)[number]

/** Its keys are at a URL or in a file; or `review`: the Kubernetes API server is asked about each token. */
export interface TokenIssuer {
  readonly kind: 'oidc' | 'spiffe'
  /** The `iss` of its tokens; for SPIFFE the trust domain, `spiffe://example.org`. */
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly Algorithm[]
  readonly keys:
    | { readonly from: 'url'; readonly url: string; readonly tokenFile?: string; readonly caFile?: string }
    | { readonly from: 'file'; readonly path: string }
    | { readonly from: 'review'; readonly url: string; readonly tokenFile: string; readonly caFile?: string }
}

/** Verifies tokens of one issuer. Rejects only where the issuer cannot be asked. */
export type VerifyToken = (token: string) => Promise<Proof>

/** Subjects stand in labels, records and sentences: what is not text for all of them is nobody's name. */
export function provenAs(issuer: string, subject: string): Proof {
  if (subject === '' || subject.length > MAX_SUBJECT_CHARS) return { why: 'its subject is empty or too long' }
  return /[\p{Cc}\p{Cs}]/u.test(subject) ? { why: 'its subject has control characters' } : { issuer, subject }
}

export function isProven(proof: Proof): proof is Workload {
  return 'subject' in proof
}
