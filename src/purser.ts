/** The package's one entry for importers. */
export { type App, startApp } from './app.ts'
export { type Config, ConfigError, loadConfig } from './config/load.ts'
export { type Code, PurserError, type Refusal } from './errors.ts'
export { type Answer, configure, type Governance } from './governance/configure.ts'
export type { GovernanceNotice, OnNotice } from './governance/notices.ts'
export type { AuthorizeRequest, GovernanceOptions, WrittenTier } from './governance/options.ts'
export type { HouseOptions as AppOptions } from './house.ts'
export type { Authorized } from './payment/ahead.ts'
