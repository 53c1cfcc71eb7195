/** The sections of what listens: proxy and admin. */
import { z } from 'zod'
import { defaultSessionSchema } from '../session/spec.ts'
import { hostPattern, listOf, section, wanted } from '../session/values.ts'
import { MAX_WORKERS } from '../worker-limits.ts'
import type { Listen } from './config.ts'
import { oidcSchema } from './console.ts'
import { isSame, parentSchema, placeOf } from './parent.ts'
import { cidr, filePath, hostName, isLoopback, listen, port, upstreamUrl } from './places.ts'

export const yesOrNo = z.boolean({ error: wanted('write true or false') })

const RESERVED_PREFIX = '/.purser/'

const routeSchema = section({
  prefix: z
    .string({ error: wanted('write a prefix like /weather/') })
    .regex(/^\/(?:[A-Za-z0-9._~-]+\/)*$/, { error: 'begins and ends with a slash, like /weather/' })
    .refine((prefix) => !prefix.startsWith(RESERVED_PREFIX) && !/\/\.{1,2}\//.test(prefix), {
      error: `must not be ${RESERVED_PREFIX} or hold dots alone`,
    }),
  upstream: upstreamUrl,
})

const routesSchema = listOf(routeSchema).superRefine((routes, context) => {
  for (const [at, { prefix }] of routes.entries()) {
    if (routes.findIndex((route) => route.prefix === prefix) < at) {
      context.addIssue({ code: 'custom', path: [at, 'prefix'], message: `${prefix} is the prefix of another route already` })
    }
  }
})

/** `auto`: one for each processor that this machine, or the container's limit, leaves us. */
const HOW_MANY = { error: `write auto or a whole number from 1 to ${MAX_WORKERS}` }
const workersSchema = z.int(HOW_MANY).min(1, HOW_MANY).max(MAX_WORKERS, HOW_MANY).or(z.literal('auto', HOW_MANY))

/** What every listener may say about itself. */
function listenerShape(folder: string, usual: string) {
  return {
    listen: listen.prefault(usual),
    hosts: listOf(hostName).default([]),
    serverTls: section({ cert: filePath(folder), key: filePath(folder) }).exactOptional(),
    unsafePlainListener: yesOrNo.default(false),
  }
}

export function proxySchema(folder: string) {
  return section({
    ...listenerShape(folder, '127.0.0.1:4020'),
    serverTls: section({ cert: filePath(folder), key: filePath(folder), clientCa: filePath(folder).exactOptional() }).exactOptional(),
    connectPorts: listOf(port).default([443]),
    workers: workersSchema.default(1),
    authenticate: yesOrNo.default(true),
    defaultSession: defaultSessionSchema.nullable().default(null),
    intercept: section({ hosts: listOf(hostPattern).default(['*']), except: listOf(hostPattern).default([]) }).prefault({}),
    routes: routesSchema.default([]),
    upgradeToHttps: listOf(hostPattern).default([]),
    unsafeAllowPrivateUpstreams: listOf(cidr).default([]),
    tls: section({ caFiles: listOf(filePath(folder)).default([]) }).prefault({}),
    parent: parentSchema(folder).exactOptional(),
  }).superRefine((proxy, context) => {
    const say = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const bar = plainBar(proxy)
    if (bar) say('listen', bar)
    const { parent } = proxy
    if (typeof parent === 'object' && isSame(proxy.listen, placeOf(new URL(parent.url)))) say('parent', 'is this proxy itself')
    if (proxy.authenticate) return
    if (proxy.defaultSession === null)
      say('defaultSession', 'is missing: authenticate: false lets every client share it; it states a cap and a ttl')
    if (!isLoopback(proxy.listen))
      say('authenticate', 'false is for listeners on loopback only: beyond it anybody could spend the default session')
  })
}

export function adminSchema(folder: string) {
  return section({ ...listenerShape(folder, '127.0.0.1:4021'), oidc: oidcSchema(folder).default(null) }).superRefine((admin, context) => {
    const bar = plainBar(admin)
    if (bar) context.addIssue({ code: 'custom', path: ['listen'], message: bar })
  })
}

/** Tokens would cross the network in the clear. */
function plainBar(listener: { listen: Listen; serverTls?: unknown; unsafePlainListener: boolean }): string | undefined {
  if (isLoopback(listener.listen) || listener.serverTls !== undefined || listener.unsafePlainListener) return undefined
  return 'listens beyond loopback without TLS: give serverTls a cert and a key, or write unsafePlainListener: true'
}
