// tool: completion scripts for bash(1), zsh(1) and fish(1).
#include <fmt/format.h>

#include "tool/completion.h"

namespace ashlar::tool {

namespace {

std::string joined(const std::vector<std::string>& words, const char* separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

// Returns a text in single quotes.
std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) text.replace(at, 1, "'\\''");
  return "'" + text + "'";
}

// --- bash

std::string bash_values(const Argument& argument) {
  if (!argument.choices.empty()) return fmt::format("compgen -W '{}' -- \"$current\"", joined(argument.choices, " "));
  if (argument.is_pid()) return "compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$current\"";
  return argument.is_file() ? "compgen -f -- \"$current\"" : ":";
}

std::string bash_case(const Subcommand& sub) {
  std::string out = fmt::format("    {})\n      case $previous in\n", sub.name);
  std::vector<std::string> names;
  for (const Argument& option : sub.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
    if (option.type.empty()) continue;
    out += fmt::format("        {}) COMPREPLY=($({})); return ;;\n", joined(option.names, "|"), bash_values(option));
  }
  out += "      esac\n";
  if (!sub.positionals.empty() && sub.positionals[0].is_program()) out += "      _ashlar_program && return\n";
  out += fmt::format("      if [[ $current == -* ]]; then COMPREPLY=($(compgen -W '{}' -- \"$current\")); return; fi\n",
                     joined(names, " "));
  for (const Argument& positional : sub.positionals) {
    if (!positional.is_program()) out += fmt::format("      COMPREPLY+=($({}))\n", bash_values(positional));
  }
  return out + "      ;;\n";
}

constexpr const char* kBashStart = R"(# bash completion of ashlar(1)

# After PROGRAM: that program's own completion, where there is one.
_ashlar_program() {
  local i
  for ((i = 2; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      --) ((++i)); break ;;
      --options | --library) ((++i)) ;;
      -* | =) ;;
      *) break ;;
    esac
  done
  if ((i >= COMP_CWORD)); then
    [[ $current == -* && ${COMP_WORDS[COMP_CWORD - 1]} != -- ]] && return 1
    COMPREPLY=($(compgen -c -- "$current"))
  elif declare -F _command_offset >/dev/null; then
    _command_offset "$i"
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}

_ashlar() {
  local IFS=$' \t\n' current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '%COMMANDS% --help --version' -- "$current"))
    return
  fi
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case ${COMP_WORDS[1]} in
)";

constexpr const char* kBashEnd = R"(  esac
}

complete -o filenames -F _ashlar ashlar
)";

// --- zsh

// Escapes brackets and colons, which have a meaning within a specification of _arguments.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_values(const Argument& argument) {
  if (!argument.choices.empty()) return "(" + joined(argument.choices, " ") + ")";
  if (argument.is_pid()) return "_pids";
  return argument.is_file() ? "_files" : " ";
}

std::string zsh_option(const Argument& option) {
  const std::string value = option.type.empty() ? "" : fmt::format(":{}:{}", zsh_text(option.type), zsh_values(option));
  std::string out;
  for (const std::string& name : option.names) {
    const char* const equals = option.type.empty() || name.size() < 3 ? "" : "=";
    out += " \\\n        " + quoted(fmt::format("({}){}{}[{}]{}", joined(option.names, " "), name, equals,
                                                zsh_text(option.description), value));
  }
  return out;
}

std::string zsh_case(const Subcommand& sub) {
  std::string out = fmt::format("    {})\n      _arguments", sub.name);
  for (const Argument& option : sub.options) out += zsh_option(option);
  for (const Argument& positional : sub.positionals) {
    const std::string what = positional.is_program()
                                 ? "'*::program:_normal'"
                                 : quoted(fmt::format(":{}:{}", zsh_text(positional.type), zsh_values(positional)));
    out += " \\\n        " + what;
  }
  return out + "\n      ;;\n";
}

constexpr const char* kZshStart = R"(#compdef ashlar
# zsh completion of ashlar(1)

_ashlar() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
%COMMANDS%  )
  _arguments -C '(- *)'{-h,--help}'[Print help and exit]' '(- *)--version[Print the version and exit]' \
    '1:command:->command' '*::argument:->argument'
  if [[ $state == command ]]; then
    _describe command commands
    return
  fi
  case $line[1] in
)";

constexpr const char* kZshEnd = R"(  esac
}

_ashlar "$@"
)";

// --- fish

std::string fish_values(const Argument& argument) {
  if (!argument.choices.empty()) return " -x -a " + quoted(joined(argument.choices, " "));
  if (argument.is_pid()) return " -f -a '(__fish_complete_pids)'";
  if (argument.is_program()) return " -f -a '(__fish_complete_subcommand --fcs-skip=2)'";
  return argument.is_file() ? " -F" : " -x";
}

std::string fish_lines(const Subcommand& sub) {
  const std::string start = fmt::format("complete -c ashlar -n '__fish_seen_subcommand_from {}'", sub.name);
  std::string out;
  for (const Argument& option : sub.options) {
    out += start;
    for (const std::string& name : option.names)
      out += name.size() == 2 ? " -s " + name.substr(1) : " -l " + name.substr(2);
    if (!option.type.empty()) out += " -r" + fish_values(option);
    out += " -d " + quoted(option.description) + "\n";
  }
  for (const Argument& positional : sub.positionals) out += start + fish_values(positional) + "\n";
  return out;
}

std::string with(std::string text, const std::string& commands) {
  constexpr std::string_view kMark = "%COMMANDS%";
  return text.replace(text.find(kMark), kMark.size(), commands);
}

}  // namespace

std::string bash_completion(const std::vector<Subcommand>& commands) {
  std::vector<std::string> names;
  std::string cases;
  for (const Subcommand& sub : commands) {
    names.push_back(sub.name);
    cases += bash_case(sub);
  }
  return with(kBashStart, joined(names, " ")) + cases + kBashEnd;
}

std::string zsh_completion(const std::vector<Subcommand>& commands) {
  std::string names, cases;
  for (const Subcommand& sub : commands) {
    names += "    " + quoted(sub.name + ":" + zsh_text(sub.summary)) + "\n";
    cases += zsh_case(sub);
  }
  return with(kZshStart, names) + cases + kZshEnd;
}

std::string fish_completion(const std::vector<Subcommand>& commands) {
  std::string out = "# fish completion of ashlar(1)\ncomplete -c ashlar -f\n";
  out += "complete -c ashlar -n __fish_use_subcommand -s h -l help -d 'Print help and exit'\n";
  out += "complete -c ashlar -n __fish_use_subcommand -l version -d 'Print the version and exit'\n";
  for (const Subcommand& sub : commands)
    out += fmt::format("complete -c ashlar -n __fish_use_subcommand -a {} -d {}\n", sub.name, quoted(sub.summary));
  for (const Subcommand& sub : commands) out += fish_lines(sub);
  return out;
}

}  // namespace ashlar::tool
