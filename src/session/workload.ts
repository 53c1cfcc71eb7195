/** The workload behind a session: who proved what it is when the session was minted for it. It stands in labels that nobody else can set. */
import type { Session } from './session.ts'

/** Labels with this prefix are ours: nobody who opens a session may name one. */
export const OWN_LABELS = 'purser/'
const ISSUER = `${OWN_LABELS}issuer`
const SUBJECT = `${OWN_LABELS}subject`

export interface Workload {
  readonly issuer: string
  readonly subject: string
}

/** The labels of a session that is minted for this workload; its children have them too. */
export function workloadLabels({ issuer, subject }: Workload): Readonly<Record<string, string>> {
  return { [ISSUER]: issuer, [SUBJECT]: subject }
}

/** Undefined where the session was opened otherwise. */
export function workloadOf({ labels }: Pick<Session, 'labels'>): Workload | undefined {
  const [issuer, subject] = [labels[ISSUER], labels[SUBJECT]]
  return issuer === undefined || subject === undefined ? undefined : { issuer, subject }
}

/** What a request presents to prove what sent it. */
export interface Presented {
  /** A token that nobody has looked at yet. */
  readonly token?: string
  /** The names in a client certificate that TLS has verified: URIs first, then DNS names. */
  readonly certificate?: readonly string[]
}
