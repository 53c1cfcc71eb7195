/**
 * `payment-identifier`: an id of the purchase, by which a server knows a repeated payment and answers as it did the first
 * time. 16 to 128 of `[A-Za-z0-9_-]`, put beside what the server declared. Extensions are what an x402 challenge may carry
 * beyond its offers; each has a file here.
 */
import { hash } from 'node:crypto'
import { z } from 'zod'

export const IDENTIFIER = 'payment-identifier'
const ID = /^[A-Za-z0-9_-]{16,128}$/
const identifierSchema = z.looseObject({ info: z.looseObject({ required: z.boolean() }) })

/** The id that servers get of a purchase. It tells nothing of our own name of it, and nothing of the nonce. */
export function identifierOf(purchaseId: string): string {
  return `pay_${hash('sha256', `purser ${IDENTIFIER} ${purchaseId}`, 'hex').slice(0, 40)}`
}

/** Whether this is the extension in a form that takes an id. */
export function takesIdentifier(extension: unknown): boolean {
  return identifierSchema.safeParse(extension).success
}

/** The extension's JSON with the id in it; undefined where it takes none, or there is none that may be sent. */
export function withIdentifier(extension: unknown, id: string | undefined): string | undefined {
  const parsed = identifierSchema.safeParse(extension)
  if (!parsed.success || id === undefined || !ID.test(id)) return undefined
  return JSON.stringify({ ...parsed.data, info: { ...parsed.data.info, id } })
}
