/** How our certificates look: the local authority's own, and a leaf for one intercepted host. ECDSA P-256 throughout. */
import './reflect.ts'

import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { CA_LIFETIME_MS, LEAF_BACKDATE_MS, LEAF_LIFETIME_MS } from '../limits.ts'
import { NAME_CONSTRAINTS_OID, nameConstraints } from './name-constraints.ts'

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const

export interface CaRequest {
  readonly key: KeyObject
  /** Milliseconds since 1970. */
  readonly now: number
  /** DNS subtrees that the authority is bound to; without them any name, but never an IP address. */
  readonly permitted?: readonly string[]
}

/** A self-signed certificate that can sign leaves for DNS names and nothing else. PEM. */
export async function makeCaCertificate({ key, now, permitted }: CaRequest): Promise<string> {
  const keys = { privateKey: signingKey(key), publicKey: verifyingKey(key) }
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Purser local CA ${keyName(key)}`] }],
    keys,
    signingAlgorithm: SIGNING,
    notBefore: new Date(now - LEAF_BACKDATE_MS),
    notAfter: new Date(now + CA_LIFETIME_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.Extension(NAME_CONSTRAINTS_OID, true, nameConstraints(permitted)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return certificate.toString('pem')
}

/** Signs leaves that all share one key, which never leaves the process. */
export interface LeafSigner {
  /** `host` is a canonical DNS name. */
  sign(host: string, now: number): Promise<Leaf>
}

export interface Leaf {
  readonly pem: string
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
}

/** Prepares once what every leaf has in common. `caPem` is the certificate of `caKey`. */
export async function createLeafSigner(options: {
  readonly caPem: string
  readonly caKey: KeyObject
  readonly leafKey: KeyObject
}): Promise<LeafSigner> {
  const ca = new x509.X509Certificate(options.caPem)
  const common = {
    subject: new x509.Name([{ CN: ['Purser interception'] }]),
    issuer: ca.subjectName,
    publicKey: await x509.PublicKey.create(verifyingKey(options.leafKey)),
    signingKey: signingKey(options.caKey),
    signingAlgorithm: SIGNING,
  }
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    await x509.SubjectKeyIdentifierExtension.create(common.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(verifyingKey(options.caKey)),
  ]
  return {
    async sign(host, now) {
      const notBefore = now - LEAF_BACKDATE_MS
      const notAfter = Math.min(notBefore + LEAF_LIFETIME_MS, ca.notAfter.getTime())
      const certificate = await x509.X509CertificateGenerator.create({
        ...common,
        notBefore: new Date(notBefore),
        notAfter: new Date(notAfter),
        extensions: [...extensions, new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
      })
      return { pem: certificate.toString('pem'), notBefore, notAfter }
    },
  }
}

/** The first eight hex digits of the public key's digest: tells authorities apart in a trust store. */
function keyName(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('hex').slice(0, 8)
}

const signingKey = (key: KeyObject) => key.toCryptoKey(P256, false, ['sign'])
const verifyingKey = (key: KeyObject) => createPublicKey(key).toCryptoKey(P256, true, ['verify'])
