/** The local certificate authority at work: it mints a leaf for each intercepted host and keeps the TLS context ready. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { LEAF_RENEWAL_MS, MAX_LEAVES } from '../limits.ts'
import { type CaFilesOptions, openCaFiles } from './ca-files.ts'
import { createLeafSigner } from './certificates.ts'

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
}

export interface AuthorityOptions {
  readonly dataDir: string
  readonly clock: Clock
  /** DNS subtrees that the authority is bound to (see `permittedSubtrees`); without them, any name. */
  readonly permitted?: readonly string[]
  readonly given?: NonNullable<CaFilesOptions['given']>
}

interface Minted {
  readonly context: SecureContext
  readonly from: number
  readonly until: number
}

/** Opens the authority in `dataDir`, or makes it. Throws AuthorityError with a way to mend what is wrong. */
export async function openAuthority({ clock, ...files }: AuthorityOptions): Promise<Authority> {
  const { key: caKey, certPem, certFile } = await openCaFiles({ ...files, now: clock.now() })
  const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const leafKeyPem = leafKey.export({ type: 'pkcs8', format: 'pem' })
  const signer = await createLeafSigner({ caPem: certPem, caKey, leafKey })
  const leaves = new LRUCache<string, Promise<Minted>>({ max: MAX_LEAVES })

  async function mint(host: string): Promise<Minted> {
    const leaf = await signer.sign(host, clock.now())
    const context = createSecureContext({ key: leafKeyPem, cert: leaf.pem, minVersion: 'TLSv1.2' })
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

  const certificate = new X509Certificate(certPem)
  const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return { certPem, certFile, fingerprint: certificate.fingerprint256, publicKey, contextFor }
}
