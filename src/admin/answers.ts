/** How the admin doors say no: problem documents, whatever went wrong. */
import type { ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { z } from 'zod'
import { PurserError, type Refusal, refused } from '../errors.ts'
import { MAX_ISSUES_SHOWN } from '../limits.ts'
import { type Issue, issuesOf } from '../session/issues.ts'
import { PROBLEM_TYPE, problem } from '../session/problem.ts'
import type { Events } from '../telemetry/events.ts'

/** The refusal as a problem document. */
export function answerProblem(refusal: Refusal): Response {
  const { status, body } = problem(refusal)
  const headers = new Headers({ 'content-type': PROBLEM_TYPE })
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="purser"')
  if (refusal.retryAfter_s !== undefined) headers.set('retry-after', String(refusal.retryAfter_s))
  return new Response(JSON.stringify(body), { status, headers })
}

/** Turns whatever was thrown into a problem document. A fault of ours is reported, and shown without its text. */
export function problemHandler(events: Pick<Events, 'faulted'>): ErrorHandler {
  return (fault) => answerProblem(refusalOf(fault, events))
}

function refusalOf(fault: Error, events: Pick<Events, 'faulted'>): Refusal {
  if (fault instanceof PurserError) return fault.refusal
  if (fault instanceof HTTPException) return { code: 'request_invalid', detail: httpSentence(fault), status: fault.status }
  events.faulted('admin', fault)
  return { code: 'internal_error', detail: 'The request could not be answered because of a fault in Purser.' }
}

function httpSentence({ status }: HTTPException): string {
  if (status === 415) return 'Send the body as JSON, with Content-Type: application/json.'
  if (status === 400) return 'The body is not valid JSON.'
  return 'The request could not be read.'
}

/** For the validators of routes: what a schema found becomes `request_invalid` with the paths. */
export function refuseInvalid(result: { success: true } | { success: false; error: z.ZodError; target: string }): undefined {
  if (result.success) return undefined
  throw refused('request_invalid', issueSentence(result.error), result.error)
}

/** "cap: write an amount …; limits.perPayment: …": every place that has to be mended. */
export function issueSentence(error: z.ZodError): string {
  return sentenceOf(issuesOf(error))
}

/** The same for problems that were found by other means. */
export function sentenceOf(issues: readonly Issue[]): string {
  const shown = issues.slice(0, MAX_ISSUES_SHOWN).map(({ path, message }) => `${path || '(whole)'}: ${message}`)
  const more = issues.length - shown.length
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ')
}
