/** The sources as text and as trees, for the rules about them. */
import { parse, type AST } from 'svelte/compiler';

export interface Source {
  path: string;
  text: string;
}

const files = import.meta.glob('../**/*.{ts,svelte}', { query: '?raw', import: 'default', eager: true });

export const sources: Source[] = Object.entries(files as Record<string, string>).map(([path, text]) => ({
  path: path.replace('../', ''),
  text,
}));
/** What the app is made of: no tests and nothing that is only for tests. */
export const shipped = sources.filter(({ path }) => !path.startsWith('./') && !path.endsWith('.test.ts'));
export const components = shipped.filter(({ path }) => path.endsWith('.svelte'));

/** A node of either tree, Svelte's or the script's. */
export type Node = { type?: string } & Record<string, unknown>;

export interface Parsed extends Source {
  /** Script and template, whichever there are. */
  scripts: unknown[];
  template: unknown;
}

/** A module is a component without a template. */
export function parsed({ path, text }: Source): Parsed {
  const source = path.endsWith('.svelte') ? text : `<script lang="ts" module>${text}</script>`;
  const root: AST.Root = parse(source, { modern: true });
  return { path, text, scripts: [root.module?.content, root.instance?.content], template: root.fragment };
}

/** The nodes right under a node. */
export function children(node: Node): Node[] {
  return Object.entries(node)
    .filter(([name]) => name !== 'metadata' && name !== 'parent')
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]) as unknown[])
    .filter(isNode);
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

/** The node and all under it that `enter` does not turn away from by returning false. */
export function walk(node: unknown, enter: (node: Node) => boolean | void): void {
  if (!isNode(node) || enter(node) === false) return;
  children(node).forEach((child) => walk(child, enter));
}

/** The name that is called, or nothing where it is no call or not of a plain name. */
export function called(node: Node): string | null {
  if (node.type !== 'CallExpression') return null;
  const callee = node.callee as Node;
  if (callee.type === 'Identifier') return callee.name as string;
  if (callee.type !== 'MemberExpression') return null;
  const object = callee.object as Node;
  return object.type === 'Identifier' ? (object.name as string) : null;
}

/** The texts that an expression can come out as, as far as it says them itself. */
export function outcomes(node: unknown): string[] {
  if (!isNode(node)) return [];
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : [];
    case 'TemplateLiteral':
      return (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked);
    case 'ConditionalExpression':
      return [...outcomes(node.consequent), ...outcomes(node.alternate)];
    case 'LogicalExpression':
    case 'BinaryExpression':
      return ['===', '!==', '==', '!='].includes(node.operator as string)
        ? []
        : [...outcomes(node.left), ...outcomes(node.right)];
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'ChainExpression':
      return outcomes(node.expression);
    default:
      return [];
  }
}
