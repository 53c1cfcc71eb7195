/** What a schema found wrong, as lines that a person can act on. */
import type { z } from 'zod'

export interface Issue {
  /** Like `tiers[0].conditions.maxAmount`; empty for the whole. */
  readonly path: string
  readonly message: string
}

type ZodIssue = z.core.$ZodIssue

/** Every problem with its path. Of a choice that nothing fits, the problems of the variant that comes nearest. */
export function issuesOf(error: z.ZodError | { readonly issues: readonly ZodIssue[] }): Issue[] {
  return error.issues.flatMap((issue) => flatten(issue, []))
}

function flatten(issue: ZodIssue, above: readonly PropertyKey[]): Issue[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathText([...path, key]), message: issue.message }))
  }
  const nearest = issue.code === 'invalid_union' ? nearestVariant(issue.errors) : []
  if (nearest.length > 0) return nearest.flatMap((inner) => flatten(inner, path))
  return [{ path: pathText(path), message: issue.message }]
}

/** A variant that fails inside itself came nearer than one of the wrong kind altogether. */
function nearestVariant(variants: readonly (readonly ZodIssue[])[]): readonly ZodIssue[] {
  return variants.find((issues) => issues.every(({ code, path }) => code !== 'invalid_type' || path.length > 0)) ?? []
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}${text && '.'}${String(key)}`), '')
}
