/** The local certificate authority at work: it mints a leaf for each intercepted host and keeps the TLS context ready. */
import { generateKeyPairSync, hkdfSync, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { LEAF_RENEWAL_MS, MAX_LEAVES } from '../limits.ts'
import { type CaFilesOptions, openCaFiles } from './ca-files.ts'
import type { LeafSigner } from './certificates.ts'

export interface Authority {
  /** What agents have to trust. */
  readonly certPem: string
  readonly certFile: string
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string
  /** The certificate's public key (DER): the same for whoever has the same key, also when the certificate was issued anew. */
  readonly publicKey: Buffer
  /** The TLS context for a canonical DNS name. Rejects for an IP address: the authority does not speak for these. */
  contextFor(host: string): Promise<SecureContext>
  /** Has at hand what mints, so that the first intercepted host need not wait for it. */
  warm(): Promise<unknown>
}

export interface AuthorityOptions {
  readonly dataDir: string
  readonly clock: Clock
  /** DNS subtrees that the authority is bound to (see `permittedSubtrees`); without them, any name. */
  readonly permitted?: readonly string[]
  readonly given?: NonNullable<CaFilesOptions['given']>
  /** Processes that share it resume each other's TLS sessions; without it each host's sessions are this process's own. */
  readonly ticketSecret?: Uint8Array | undefined
}

interface Minted {
  readonly context: SecureContext
  readonly from: number
  readonly until: number
}

/** Opens the authority in `dataDir`, or makes it. Throws AuthorityError with a way to mend what is wrong. */
export async function openAuthority({ clock, ticketSecret, ...files }: AuthorityOptions): Promise<Authority> {
  const { key: caKey, certPem, certFile } = await openCaFiles({ ...files, now: clock.now() })
  const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const leafKeyPem = leafKey.export({ type: 'pkcs8', format: 'pem' })
  const certificate = new X509Certificate(certPem)
  const { fingerprint256: fingerprint } = certificate
  let opened: Promise<LeafSigner> | undefined
  const leaves = new LRUCache<string, Promise<Minted>>({ max: MAX_LEAVES })

  const ticketsOf = (host: string) => (ticketSecret ? { ticketKeys: ticketKeys(ticketSecret, `${host} ${fingerprint}`) } : {})

  /** The library that makes certificates is much to load, and not every configuration intercepts. */
  async function openSigner(): Promise<LeafSigner> {
    const { createLeafSigner } = await import('./certificates.ts')
    return createLeafSigner({ caPem: certPem, caKey, leafKey })
  }

  function signer(): Promise<LeafSigner> {
    opened ??= openSigner()
    return opened
  }

  async function mint(host: string): Promise<Minted> {
    const leaf = await (await signer()).sign(host, clock.now())
    const context = createSecureContext({ key: leafKeyPem, cert: leaf.pem, minVersion: 'TLSv1.2', ...ticketsOf(host) })
    return { context, from: leaf.notBefore, until: leaf.notAfter - LEAF_RENEWAL_MS }
  }

  /** Callers that come while a leaf is being minted wait for the same one. */
  function mintOnce(host: string): Promise<Minted> {
    const minting = mint(host)
    leaves.set(host, minting)
    minting.catch(() => leaves.delete(host))
    return minting
  }

  async function contextFor(host: string): Promise<SecureContext> {
    if (isIP(host) !== 0) throw new TypeError('The local authority does not speak for addresses.')
    const met = leaves.get(host)
    const kept = await met
    const now = clock.now()
    if (kept !== undefined && kept.from <= now && now < kept.until) return kept.context
    const current = leaves.get(host)
    const renewed = current === undefined || current === met ? mintOnce(host) : current
    return (await renewed).context
  }

  const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return { certPem, certFile, fingerprint, publicKey, contextFor, warm: signer }
}

const TICKET_KEYS_BYTES = 48

/** Of one name only, so that what was begun for one host, or under one authority, is never resumed for another. */
export function ticketKeys(secret: Uint8Array, name: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `purser tls tickets ${name}`, TICKET_KEYS_BYTES))
}
