/**
 * The policy that this process decides by: the operator's file, and the lists of blocked addresses as they stand now.
 * All processes on one ledger decide by the policy that was announced last (rule R8), so a list that changes comes into
 * force here once the others were told; until their own lists say the same, they pay nothing.
 */
import { BlockedFiles } from './config/blocked-files.ts'
import type { Config } from './config/config.ts'
import { PurserError } from './errors.ts'
import type { Change } from './ledger/ledger.ts'
import { BLOCKED_FILES_INTERVAL_MS } from './limits.ts'
import type { Policy } from './payment/deps.ts'
import { policyVersion } from './policy/version.ts'
import { policyText } from './policy/written.ts'
import type { Events } from './telemetry/events.ts'

export interface PolicyInForce {
  /** As it is at this moment. */
  policy(): Policy
  /** Looks at the lists now; resolves when what they say is in force, or was refused with a warning. */
  refresh(): Promise<void>
  /** Why nothing is paid here, where another process has put another policy in force. */
  reasons(): readonly string[]
}

export interface PolicyInForceOptions {
  readonly config: Pick<Config, 'mode' | 'tiers' | 'categories' | 'recipients' | 'jurisdictions' | 'priceDrift'>
  readonly ledger: {
    announcePolicy(version: string, text?: string): Promise<void>
    watch(listener: (change: Change) => void): () => void
  }
  readonly events: Pick<Events, 'warned'>
}

/**
 * Reads the lists, tells the ledger, and looks at them again from time to time until `started` is disposed. A ledger that
 * cannot be written now is told as soon as it can be.
 * @throws BlockedFileError where a list is missing or cannot be used
 */
export async function openPolicy(options: PolicyInForceOptions, started: AsyncDisposableStack): Promise<PolicyInForce> {
  const files = await BlockedFiles.open(options.config.recipients.blockedFiles)
  const inForce = new Watched(options, files)
  started.defer(options.ledger.watch((change) => inForce.changed(change)))
  await inForce.refresh()
  const timer = setInterval(() => inForce.look(), BLOCKED_FILES_INTERVAL_MS).unref()
  started.defer(() => clearInterval(timer))
  return inForce
}

class Watched implements PolicyInForce {
  readonly #options: PolicyInForceOptions
  readonly #files: BlockedFiles
  #policy: Policy
  #announced: string | undefined
  /** What the ledger said last, which may be another process's. */
  #inForce: string
  #refreshing: Promise<void> | undefined

  constructor(options: PolicyInForceOptions, files: BlockedFiles) {
    this.#options = options
    this.#files = files
    this.#policy = policyOf(options.config, files)
    this.#inForce = this.#policy.version
  }

  policy(): Policy {
    return this.#policy
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** As `refresh`, for whoever does not wait: a fault is told. */
  look(): void {
    this.refresh().catch((cause: unknown) => this.#options.events.warned('The policy could not be told to the ledger.', cause))
  }

  reasons(): readonly string[] {
    const { version } = this.#policy
    if (this.#inForce === version) return []
    return [`Policy ${this.#inForce} is in force, and this process decides by ${version}. Restart it with the same file.`]
  }

  /** Somebody announced a policy: perhaps because of a list that changed, which is then read here too. */
  changed(change: Change): void {
    if (change.kind !== 'policy') return
    this.#inForce = change.version
    if (change.version === this.#policy.version) return
    this.look()
    void this.#refreshing?.then(
      () => this.#warnOf(change.version),
      () => undefined,
    )
  }

  async #refresh(): Promise<void> {
    const { config, events } = this.#options
    for (const problem of await this.#files.refresh()) {
      events.warned(`${problem}. The list of blocked addresses stays as it was.`)
    }
    const next = policyOf(config, this.#files)
    if (next.version === this.#announced || !(await this.#announce(next))) return
    this.#announced = next.version
    this.#inForce = next.version
    this.#policy = next
  }

  async #announce(policy: Policy): Promise<boolean> {
    try {
      await this.#options.ledger.announcePolicy(policy.version, policyText(policy))
      return true
    } catch (cause) {
      if (cause instanceof PurserError && cause.refusal.code === 'ledger_unavailable') return false
      throw cause
    }
  }

  #warnOf(version: string): void {
    if (this.#inForce !== version || version === this.#policy.version) return
    this.#options.events.warned(`Policy ${version} is in force, and this process decides by ${this.#policy.version}: it pays nothing.`)
  }
}

function policyOf({ mode, tiers, ...config }: PolicyInForceOptions['config'], files: BlockedFiles): Policy {
  const { categories, recipients, jurisdictions, priceDrift } = config
  const { current } = files
  const rules = { categories, recipients, jurisdictions, priceDrift, ...(current && { blockedAddresses: current }) }
  return { mode, tiers, rules, version: policyVersion({ mode, tiers, rules }) }
}
