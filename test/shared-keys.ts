/** Keys that several Pursers of one test share, as files in a folder of their own. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCaCertificate } from '../src/proxy/certificates.ts'

export interface SharedKeys extends AsyncDisposable {
  /** `keys` and `wallet` of a configuration. */
  readonly config: { readonly keys: Record<string, unknown>; readonly wallet: { readonly key: string } }
  /** The same with one key of another value. */
  with(name: 'nonce' | 'receipt' | 'answer' | 'token'): Promise<SharedKeys['config']>
}

export async function makeSharedKeys(): Promise<SharedKeys> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-keys-'))
  const secret = async (name: string, text: string) => {
    const path = join(folder, name)
    await writeFile(path, `${text}\n`, { mode: 0o600 })
    return `file:${path}`
  }
  const key = (name: string) => secret(name, randomBytes(32).toString('hex'))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cert = join(folder, 'ca.pem')
  await writeFile(cert, await makeCaCertificate({ key: privateKey, now: Date.now() }))
  const ca = { cert, key: await secret('ca.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()) }
  const keys = { nonce: await key('nonce'), receipt: await key('receipt'), answer: await key('answer'), token: await key('token'), ca }
  const config = { keys, wallet: { key: await secret('wallet', `0x${randomBytes(32).toString('hex')}`) } }
  return {
    config,
    with: async (name) => ({ ...config, keys: { ...keys, [name]: await key(`other-${name}`) } }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
