import type { Completed } from './commandTree.ts';

/*
 * A script for each shell, which knows the commands and options that were declared when it was printed and asks nobody while somebody
 * types. The words before the cursor name a command by its path; the word before it may be an option that takes a value; else the
 * names of what is below the command are offered, its options after a dash, and files.
 */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, tree: readonly Completed[]): string {
  switch (shell) {
    case 'bash':
      return bash(tree);
    case 'zsh':
      return zsh(tree);
    case 'fish':
      return fish(tree);
  }
}

function bash(tree: readonly Completed[]): string {
  const words = (list: readonly string[]) => quoted(list.join(' '));
  return `# strata for bash: eval "$(strata completion bash)"
_strata() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at='' words='' options='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/\${COMP_WORDS[i]}" in
      ${patterns(pathsOf(tree))}) at="$at/\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $prev" in
${valuesOf(tree)
  .map(([option, values]) => `    ${quoted(option)}) words=${words(values)} ;;\n`)
  .join('')}    ${patterns(filesOf(tree))}) ;;
    *)
      case "$at" in
${tree
  .map(({ path, commands, values, options }) => {
    const below = words([...commands.map(({ name }) => name), ...values]);
    return `        ${quoted(path)}) words=${below} options=${words(options.flatMap(({ flags }) => flags))} ;;\n`;
  })
  .join('')}      esac
      [[ $cur == -* ]] && words=$options
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _strata strata
`;
}

function zsh(tree: readonly Completed[]): string {
  // What stands before a colon is offered, what follows describes it.
  const described = (name: string, text: string) => quoted(`${name.replaceAll(':', '\\:')}:${text}`);
  return `#compdef strata
# strata for zsh, after compinit: eval "$(strata completion zsh)"
_strata() {
  local at='' word
  local -a names flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at/$word" in
      (${patterns(pathsOf(tree))}) at="$at/$word" ;;
    esac
  done
  case "$at $words[CURRENT-1]" in
${valuesOf(tree)
  .map(([option, values]) => `    (${quoted(option)}) compadd -- ${values.map(quoted).join(' ')}; return ;;\n`)
  .join('')}    (${patterns(filesOf(tree))}) _files; return ;;
  esac
  case "$at" in
${tree
  .map(({ path, commands, values, options }) => {
    const names = [
      ...commands.map(({ name, description }) => described(name, description)),
      ...values.map((value) => described(value, '')),
    ];
    const flags = options.flatMap((option) => option.flags.map((flag) => described(flag, option.description)));
    return `    (${quoted(path)}) names=(${names.join(' ')}) flags=(${flags.join(' ')}) ;;\n`;
  })
  .join('')}  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe -o option flags
  elif (( $#names )); then
    _describe command names
  else
    _files
  fi
}
compdef _strata strata
`;
}

function fish(tree: readonly Completed[]): string {
  const lines = tree.flatMap(({ path, commands, values, options }) => {
    const at = `complete -c strata -n ${fishQuoted(`__strata_at ${fishQuoted(path)}`)}`;
    return [
      ...commands.map(({ name, description }) => `${at} -f -a ${fishQuoted(name)} -d ${fishQuoted(description)}`),
      ...values.map((value) => `${at} -f -a ${fishQuoted(value)}`),
      ...options.map(({ flags, description, takesValue, values: choices }) => {
        const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
        const among = choices.length > 0 ? ` -x -a ${fishQuoted(choices.join(' '))}` : takesValue ? ' -r' : '';
        return `${at} ${names.join(' ')}${among} -d ${fishQuoted(description)}`;
      }),
    ];
  });
  return `# strata for fish: strata completion fish | source
function __strata_at
  set -l at ''
  for word in (commandline -opc)[2..]
    contains -- "$at/$word" ${pathsOf(tree).map(fishQuoted).join(' ')}
      and set at "$at/$word"
  end
  test "$at" = "$argv[1]"
end
complete -c strata -e
${lines.join('\n')}
`;
}

function pathsOf(tree: readonly Completed[]): readonly string[] {
  return tree.map(({ path }) => path).filter((path) => path !== '');
}

/** Options, behind the path of their command, that take one of a few words. */
function valuesOf(tree: readonly Completed[]): readonly (readonly [option: string, values: readonly string[]])[] {
  return tree.flatMap(({ path, options }) =>
    options
      .filter(({ values }) => values.length > 0)
      .flatMap(({ flags, values }) => flags.map((flag) => [`${path} ${flag}`, values] as const)),
  );
}

/** And those that take anything else. */
function filesOf(tree: readonly Completed[]): readonly string[] {
  return tree.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue, values }) => takesValue && values.length === 0)
      .flatMap(({ flags }) => flags.map((flag) => `${path} ${flag}`)),
  );
}

function patterns(words: readonly string[]): string {
  return words.map(quoted).join('|');
}

/** For bash and zsh: nothing within is expanded. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, String.raw`\$&`)}'`;
}
