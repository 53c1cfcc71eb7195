/** The ways out of this process that the configuration says: directly, or through the parent proxy. */
import { readFile } from 'node:fs/promises'
import type { Environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { resolveParents } from './config/parent.ts'
import { createParents, type Parents } from './proxy/parent.ts'
import { createParentFetch, type ParentFetch } from './proxy/parent-fetch.ts'

export interface WayOut extends ParentFetch {
  readonly parents: Parents
  /** PEM of the further roots that upstreams are verified by. */
  readonly ca: readonly string[]
}

/** @throws SecretError where the parent's password cannot be read */
export async function openWayOut({ proxy }: Pick<Config, 'proxy'>, env: Environment): Promise<WayOut> {
  const ca = await Promise.all(proxy.tls.caFiles.map((file) => readFile(file, 'utf8')))
  const parents = createParents(await resolveParents(proxy.parents, env))
  return { parents, ca, ...createParentFetch(parents, ca) }
}
