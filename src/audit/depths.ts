/** How much evidence a tier asks for: the depth of its audit, and the form of its records. */

export const AUDIT_DEPTHS = ['batch_daily', 'per_transaction', 'per_transaction_enhanced', 'attempt_logged'] as const
export type AuditDepth = (typeof AUDIT_DEPTHS)[number]

export const RECORD_FORMATS = ['simplified', 'standard', 'enhanced'] as const
export type RecordFormat = (typeof RECORD_FORMATS)[number]

/** What a tier says about its evidence, under the names of the configuration. */
export interface EvidenceWanted {
  readonly audit?: AuditDepth
  readonly micaCompliance?: RecordFormat
}

const FORMAT_OF: Readonly<Record<AuditDepth, RecordFormat>> = {
  batch_daily: 'simplified',
  per_transaction: 'standard',
  per_transaction_enhanced: 'enhanced',
  attempt_logged: 'simplified',
}

/** The tier's `micaCompliance`; without it the form that fits its audit; `standard` where nothing is said or known. */
export function recordFormatFor(tier: EvidenceWanted | undefined): RecordFormat {
  return tier?.micaCompliance ?? (tier?.audit ? FORMAT_OF[tier.audit] : 'standard')
}

/** True where the tier's payments are shown by day and not one by one; each of them has its receipt all the same. */
export function isBatched(tier: EvidenceWanted | undefined): boolean {
  return tier?.audit === 'batch_daily'
}
