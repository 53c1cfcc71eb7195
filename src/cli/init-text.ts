/** The configuration that `purser init` writes: a text for people, into which only checked values are put. */
export interface Chosen {
  /** Host patterns. */
  readonly hosts: readonly string[]
  readonly category: string
  readonly network: string
  readonly rpc: string | null
  /** Decimal amounts in USD. */
  readonly maxAmount: string
  readonly cap: string
}

const quote = (text: string): string => JSON.stringify(text)

export function configText({ hosts, category, network, rpc, maxAmount, cap }: Chosen): string {
  return `# The configuration of Purser, written by \`purser init\`. Absent means no: what is not listed here is not paid.
# Check it: purser policy check. Every setting: docs/configuration.md

mode: enforce # report and open pay what the tiers refuse, and record it; caps and limits hold in all modes
dataDir: ./data # the ledger, the wallet's key, the local CA, the admin token; back it up, and keep it to yourself

proxy:
  listen: 127.0.0.1:4020
  intercept: { hosts: ["*"], except: [] } # agents must trust the local CA; hosts under except are tunnelled unread
  # A sidecar's only client needs no token: uncomment both, and everything on this machine shares this budget.
  # authenticate: false
  # defaultSession: { agent: default, cap: ${quote(cap)}, ttl: 24h }

admin: { listen: 127.0.0.1:4021 } # the console, the API, /metrics

# Only listed networks are paid on. With an rpc the chain proves what became of each payment.
networks:
  - { id: ${quote(network)}${rpc === null ? '' : `, rpc: ${quote(rpc)}`} }

# Whom you trust. Without payTo the recipient's address is pinned at its first payment and may not change afterwards.
recipients:
  verified:
${hosts.map((host) => `    - { host: ${quote(host)} }`).join('\n')}

# What payments are for: the first rule that matches gives the category.
categories:
${hosts.map((host) => `  - { host: ${quote(host)}, category: ${quote(category)} }`).join('\n')}

# A payment belongs to the first tier whose conditions all hold; a blocked tier that matches wins over all; none means no.
tiers:
  - name: autonomous # paid without asking anybody
    conditions:
      maxAmount: ${quote(maxAmount)}
      categories: [${quote(category)}]
      recipientTrust: verified
      frequency: { max: 1000, per: 1h }
    approval: none
    audit: batch_daily
  - name: prohibited # never paid; the owners are told
    conditions: { categories: [gambling, unverified_agents, sanctioned_jurisdictions] }
    approval: blocked
    audit: attempt_logged
    alert: immediate_to_owner

# Dearer payments can ask a person: write people, uncomment this tier above prohibited, and see docs/approvals.md
#  - name: collaborative
#    conditions: { maxAmount: ${quote(cap)}, categories: [${quote(category)}], recipientTrust: any, frequency: { max: 5, per: 24h } }
#    approval: explicit_human
#    timeout: 4h
#    audit: per_transaction_enhanced
`
}
