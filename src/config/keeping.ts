/** The sections of what is kept and proven: the ledger, the keys that belong to it, the networks and their servers. */
import { resolve } from 'node:path'
import { z } from 'zod'
import { DEFAULT_FINALITY_BLOCKS, DEFAULT_THRESHOLDS } from '../limits.ts'
import { MIN_RETENTION_MS } from '../retention-limits.ts'
import { duration, listOf, network, section, wanted } from '../session/values.ts'
import type { Config } from './config.ts'
import { yesOrNo } from './listeners.ts'
import { filePath, secret, webUrl } from './places.ts'
import type { SecretRef } from './secrets.ts'
import { missingInWallet, type WrittenWallet } from './wallet.ts'

const LEDGER = 'write sqlite:PATH, such as sqlite:./data/purser.db, or postgres://user@host/database'
const POSTGRES = 'write it like postgres://user@host/database, several hosts with commas between them'
const POSTGRES_URL = /^postgres(?:ql)?:\/\/([^/?#]*)(\/[^#]*)?$/

type Ledger = Config['ledger']

/** `sqlite:PATH`, a PostgreSQL URL, or the URL with its password apart. */
export function ledgerSchema(folder: string) {
  const text = z
    .string({ error: wanted(LEDGER) })
    .transform((written, context): Ledger => {
      if (/^sqlite:./.test(written)) return { kind: 'sqlite', file: resolve(folder, written.slice('sqlite:'.length)) }
      const postgres = readPostgres(written)
      if (postgres) return postgres
      context.addIssue(written.startsWith('postgres') ? POSTGRES : LEDGER)
      return z.NEVER
    })
    .meta({ description: 'sqlite:PATH or postgres://user@host/database' })
  const apart = section({
    url: z.string({ error: wanted(POSTGRES) }),
    password: secret(folder).exactOptional(),
    unsafeAsyncReplication: yesOrNo.default(false),
  }).transform(({ url, ...rest }, context): Ledger => {
    const postgres = readPostgres(url)
    if (postgres) return { ...postgres, ...rest }
    context.addIssue({ code: 'custom', path: ['url'], message: POSTGRES })
    return z.NEVER
  })
  return z.union([text, apart], { error: wanted(LEDGER) })
}

/** A password in the URL is taken out of it, so that the URL can be shown. */
function readPostgres(url: string): Extract<Ledger, { kind: 'postgres' }> | undefined {
  const [whole, authority = '', rest = ''] = POSTGRES_URL.exec(url) ?? []
  if (whole === undefined || authority === '') return undefined
  const at = authority.lastIndexOf('@')
  const [user = '', ...secrets] = authority.slice(0, Math.max(at, 0)).split(':')
  const bare = `postgres://${user}${at < 0 ? '' : '@'}${authority.slice(at + 1)}${rest}`
  if (secrets.length === 0) return { kind: 'postgres', url: bare, unsafeAsyncReplication: false }
  return { kind: 'postgres', url: bare, password: textSecret(decoded(secrets.join(':'))), unsafeAsyncReplication: false }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function textSecret(text: string): SecretRef {
  return { kind: 'text', reveal: () => text }
}

/** Null where everything stays in the ledger. */
export function retentionSchema(folder: string) {
  return section({
    after: duration
      .refine((span_ms) => span_ms >= MIN_RETENTION_MS, { error: `at least ${MIN_RETENTION_MS / 86_400_000}d` })
      .meta({ description: 'Payments that are older and final leave for the archive, with their receipts.' }),
    folder: filePath(folder).meta({ description: 'Where the archive’s files are kept.' }),
  })
    .transform(({ after, ...rest }) => ({ after_ms: after, ...rest }))
    .nullable()
}

export function keysSchema(folder: string) {
  const key = secret(folder).exactOptional()
  const authority = section({ cert: filePath(folder), key: secret(folder) }).exactOptional()
  return section({ nonce: key, receipt: key, answer: key, token: key, session: key, ca: authority })
}

/** What replicas share is configured (rule R21): each of them would make keys of its own otherwise. */
export function missingKeys(config: { readonly keys: Config['keys']; readonly wallet: WrittenWallet }): string[][] {
  const names = ['nonce', 'receipt', 'answer', 'token', 'ca'] as const
  const missing = names.filter((name) => config.keys[name] === undefined).map((name): string[] => ['keys', name])
  const ofWallet = missingInWallet(config.wallet)
  return ofWallet ? [...missing, ofWallet] : missing
}

const percent = z
  .int({ error: wanted('write a whole number of percent') })
  .min(1, { error: '1 to 100' })
  .max(100, { error: '1 to 100' })

export const sessionsSchema = section({
  thresholds: listOf(percent)
    .transform((list) => [...new Set(list)].sort((a, b) => a - b))
    .default([...DEFAULT_THRESHOLDS]),
})

const MAX_FINALITY_BLOCKS = 10_000
const finalityBlocks = z
  .int({ error: wanted('write a whole number of blocks') })
  .min(0, { error: `0 to ${MAX_FINALITY_BLOCKS}` })
  .max(MAX_FINALITY_BLOCKS, { error: `0 to ${MAX_FINALITY_BLOCKS}` })
  .default(DEFAULT_FINALITY_BLOCKS)

export const networkSchema = section({
  id: network,
  rpc: webUrl.exactOptional(),
  secondRpc: webUrl.exactOptional(),
  finalityBlocks,
}).refine(({ rpc, secondRpc }) => rpc !== undefined || secondRpc === undefined, {
  path: ['secondRpc'],
  error: 'needs an rpc beside it: the two have to agree',
})
