/** The flags of `session open` as the body of `POST /v1/sessions`. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { misused } from './failure.ts'
import type { CommonFlags } from './options.ts'

type Amounts = Readonly<Record<string, string>>
type List = readonly string[]

export interface OpenFlags extends CommonFlags {
  readonly agent?: string
  readonly purpose?: string
  readonly parent?: string
  readonly refill?: { readonly amount: string; readonly every: string }
  readonly refillMax?: string
  readonly cap: string
  readonly ttl: string
  readonly currency?: string
  readonly owner?: string
  readonly perPayment?: string
  readonly maxPayments?: number
  readonly perRecipient?: Amounts
  readonly perCategory?: Amounts
  readonly perTool?: Amounts
  readonly perUser?: Amounts
  readonly perWindow?: readonly { readonly max: string; readonly per: string }[]
  readonly taskPayments?: number
  readonly taskRequests?: number
  readonly host?: List
  readonly method?: List
  readonly path?: List
  readonly category?: List
  readonly tool?: List
  readonly enforce?: string
  readonly onDrift?: string
  readonly network?: List
  readonly asset?: List
  readonly label?: Readonly<Record<string, string>>
  readonly singleUse?: true
  readonly tokenFormat?: string
  /** Path of a file. */
  readonly mandate?: string
  readonly limitsJson?: string
  readonly idempotencyKey?: string
}

/** What was not said stays absent: an empty list or map would refuse everything. */
export async function specOf(flags: OpenFlags): Promise<Record<string, unknown>> {
  const { agent, purpose, parent, cap, ttl, currency, owner, network, asset, label, singleUse } = flags
  const limits = { ...(await limitsFile(flags.limitsJson)), ...present(limitFlags(flags)) }
  const scope = scopeFlags(flags)
  return present({
    agent,
    purpose,
    parent,
    refill: refillOf(flags),
    cap,
    ttl,
    currency,
    owner,
    networks: network,
    assets: asset,
    labels: label,
    singleUse,
    tokenFormat: flags.tokenFormat,
    mandate: await mandateFile(flags.mandate),
    limits: Object.keys(limits).length === 0 ? undefined : limits,
    scope: Object.keys(scope).length === 0 ? undefined : scope,
  })
}

function refillOf({ refill, refillMax }: OpenFlags): Record<string, string> | undefined {
  if (refill && refillMax !== undefined) return { ...refill, max: refillMax }
  if (!refill && refillMax === undefined) return undefined
  throw misused('--refill and --refill-max belong together.', 'For example: --refill 0.50/1h --refill-max 2.00')
}

function scopeFlags({ host, method, path, category, tool, enforce, onDrift }: OpenFlags): Record<string, unknown> {
  return present({ hosts: host, methods: method, paths: path, categories: category, tools: tool, enforce, onDrift })
}

function limitFlags(flags: OpenFlags): Record<string, unknown> {
  const { perPayment, maxPayments, perRecipient, perCategory, perTool, perUser, perWindow } = flags
  const perTask = present({ payments: flags.taskPayments, requests: flags.taskRequests })
  const limits = { perPayment, payments: maxPayments, perRecipient, perCategory, perTool, perUser, perWindow }
  return Object.keys(perTask).length === 0 ? limits : { ...limits, perTask }
}

function present(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** The file holds the object `limits` of the API; the API judges what is in it. */
async function limitsFile(path: string | undefined): Promise<Record<string, unknown>> {
  if (path === undefined) return {}
  const parsed = z.record(z.string(), z.unknown()).safeParse(await readJson(path))
  if (parsed.success) return parsed.data
  throw misused(`--limits-json: ${path} must hold one JSON object, such as {"perPayment":"1.00"}.`)
}

async function mandateFile(path: string | undefined): Promise<string | undefined> {
  try {
    return path === undefined ? undefined : (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw misused(`--mandate: ${path} cannot be read (${cause instanceof Error ? cause.message : cause}).`)
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw misused(`--limits-json: ${path} cannot be read as JSON (${cause instanceof Error ? cause.message : cause}).`)
  }
}
