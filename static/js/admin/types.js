/**
 * What the admin API gives and takes, as `app/web/admin_api.py` writes it.
 *
 * @typedef {"off" | "draft" | "auto"} Mode
 * @typedef {"public" | "internal"} ReplyAudience
 * @typedef {"reporter" | "everyone" | "mention"} AnswerTo
 *
 * @typedef {{key: boolean, workflow: boolean, project: boolean, answered: boolean}} Steps
 * @typedef {{source: "own" | "operator" | "none", base_url: string | null}} KeyState
 * @typedef {{day: string, spent: number, held: number, cap: number | null,
 *   cap_source: "own" | "default"}} Usage
 * @typedef {{site: string, default_mode: Mode, key: KeyState,
 *   workflow: {published: number | null, draft: boolean}, usage: Usage, steps: Steps}} Overview
 *
 * @typedef {{instructions: string, model: string | null, max_output_tokens: number,
 *   temperature: number | null, greeting: string}} Definition
 * @typedef {{version: number, definition: Definition, published_at: string}} Published
 * @typedef {{version: number, definition: Definition}} Draft
 * @typedef {{published: Published | null, draft: Draft | null, models: string[],
 *   shutdowns: Record<string, string>, default_model: string}} Workflow
 *
 * @typedef {{mode: Mode, reply_audience: ReplyAudience, answer_to: AnswerTo,
 *   trigger_word: string, inherited: boolean}} Setting
 * @typedef {Setting & {id: string, name: string}} IssueType
 * @typedef {Setting & {id: string, key: string, name: string, service_project: boolean,
 *   types: IssueType[]}} Project
 * @typedef {{mode: Mode | "inherit", reply_audience?: ReplyAudience, answer_to?: AnswerTo,
 *   trigger_word?: string, type_id?: string, understood?: boolean}} SettingChange
 *
 * @typedef {{thread_id: string, item_id: string, turn_id: string, token: string,
 *   expires_at: string, last_event_id: string}} Trial
 * @typedef {{name: string, well: boolean, found: string, cure: string}} Finding
 * @typedef {{id: string, issue_key: string | null, state: string, cause: string | null,
 *   message: string, reply_as: string, model: string | null, tokens: number, started: string,
 *   finished: string | null, duration_ms: number | null, thread_id: string}} TurnLine
 */

export {};
