/** A chain with the escrow on it, and catalogues that sell by channel: what the whole program is tried in. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeTestTls, type TestTls } from './certificates.ts'
import { type Chain, startChain } from './chain.ts'
import { type Catalogue, type CatalogueOptions, placeEscrow, startCatalogue } from './channels.ts'

export interface ChannelWorld extends AsyncDisposable {
  readonly chain: Chain
  readonly tls: TestTls
  /** PEM file of the authority that signed `localhost`. */
  readonly caFile: string
  /** Ends with the world. */
  open(options: CatalogueOptions): Promise<Catalogue>
}

export async function startChannelWorld(): Promise<ChannelWorld> {
  await using started = new AsyncDisposableStack()
  const tls = makeTestTls()
  const chain = started.use(await startChain())
  await placeEscrow(chain)
  const folder = await mkdtemp(join(tmpdir(), 'purser-channels-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, tls.ca)
  const all = started.move()
  return {
    chain,
    tls,
    caFile,
    open: async (options) => all.use(await startCatalogue(chain, tls, options)),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
