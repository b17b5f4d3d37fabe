// What the components share: controls, panels and numbers. Constructed style sheets, so no inline style is needed.

import { css } from "lit";

export const controls = css`
  :host {
    display: block;
  }
  * {
    box-sizing: border-box;
  }
  h2,
  h3 {
    margin: 0 0 0.5rem;
    font-size: 1.1rem;
    line-height: 1.3;
  }
  h3 {
    font-size: 1rem;
  }
  p {
    margin: 0 0 0.5rem;
  }
  label {
    display: inline-block;
    font-size: 0.9rem;
  }
  button,
  input,
  select,
  textarea {
    font: inherit;
    color: var(--text);
    background: var(--ground);
    border: 1px solid var(--line);
    border-radius: 0.3rem;
    padding: 0.3rem 0.6rem;
    max-width: 100%;
  }
  button {
    cursor: pointer;
  }
  button.main {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
  }
  button:disabled {
    cursor: not-allowed;
    background: var(--raised);
    border-color: var(--line);
    color: var(--muted);
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    align-items: end;
    margin-bottom: 0.5rem;
  }
  .field {
    display: flex;
    flex-direction: column;
    min-width: 0;
  }
  .muted {
    color: var(--muted);
    font-size: 0.9rem;
  }
  .number,
  code {
    font-family: ui-monospace, monospace;
    font-variant-numeric: tabular-nums;
    overflow-wrap: anywhere;
  }
`;

export const panel = css`
  section {
    background: var(--raised);
    border-radius: 0.5rem;
    padding: 1rem;
    margin-bottom: 1rem;
    min-width: 0;
  }
`;
