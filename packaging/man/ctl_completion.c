/* Writes the completions of coolantctl for bash or zsh from its table of commands: ctl_completion bash|zsh.
 */
#include "daemon/ctl/commands.h"

#include <stdio.h>
#include <string.h>

/* What lists the words that an argument may be; a shell's pipeline, run when somebody presses tab. */
static const char *const lists[] = {
	[COMMAND_WORD_ANY] = "",
	[COMMAND_WORD_FILE] = "",
	[COMMAND_WORD_POINT] = "coolantctl \"${where[@]}\" points 2>/dev/null | awk 'NR > 1 { print $1 }'",
	[COMMAND_WORD_ALARM] = "coolantctl \"${where[@]}\" alarms 2>/dev/null | awk 'NR > 1 { print $1 }'",
	[COMMAND_WORD_BUS] = "sed -n 's/^\\[bus:\\([a-z0-9_-]*\\)].*/\\1/p' /etc/coolantd/coolantd.ini "
			     "/etc/coolantd/coolantd.d/*.ini 2>/dev/null",
	[COMMAND_WORD_PROFILE] = "coolantctl profiles 2>/dev/null | awk 'NR > 1 { print $1 }'",
	[COMMAND_WORD_FIGURE] =
	    "coolantctl \"${where[@]}\" points 2>/dev/null | awk 'NR > 1 { print $1 }'; "
	    "coolantctl \"${where[@]}\" alarms 2>/dev/null | awk 'NR > 1 { print \"alarm.\" $1 }'",
};

static void put_options(const struct command_option *o, bool json)
{
	for (; o && o->name; o++)
		if (json || strcmp(o->name, "json") != 0)
			printf("--%s ", o->name);
}

/* Options with an argument, as a pattern of case. */
static void put_with_argument(void)
{
	printf("-c");
	for (const struct command_option *o = command_common_options; o->name; o++)
		if (o->argument)
			printf("|--%s", o->name);
	for (size_t i = 0; commands[i]; i++)
		for (const struct command_option *o = commands[i]->options; o && o->name; o++)
			if (o->argument)
				printf("|--%s", o->name);
}

/* Options whose argument is one of some words. */
static void put_choices(void)
{
	for (size_t i = 0; commands[i]; i++)
		for (const struct command_option *o = commands[i]->options; o && o->name; o++)
			if (o->argument && strchr(o->argument, '|')) {
				printf("\t--%s) words='", o->name);
				for (const char *p = o->argument; *p; p++)
					putchar(*p == '|' ? ' ' : *p);
				printf("' ;;\n");
			}
}

/* The second words of a command. */
static void put_below(const struct command *c)
{
	const size_t n = strlen(c->name);
	for (size_t i = 0; commands[i]; i++)
		if (strncmp(commands[i]->name, c->name, n) == 0 && commands[i]->name[n] == ' ')
			printf("%s ", commands[i]->name + n + 1);
}

static void put_case(const struct command *c)
{
	printf("\t'%s')\n\t\toptions='", c->name);
	put_options(c->options, true);
	put_options(command_common_options, c->schema != NULL);
	printf("'\n\t\tbelow='");
	put_below(c);
	printf("'\n");
	if (c->word == COMMAND_WORD_FILE)
		printf("\t\tfiles=yes\n");
	if (*lists[c->word])
		printf("\t\t[ $count -gt 0 ] || list() { %s; }\n", lists[c->word]);
	printf("\t\t;;\n");
}

/* Both shells run the same: from the words before the one that is completed it finds words, options and a
 * list. */
static void put_common(void)
{
	printf("# Sets words, options, below, files and the function list for the words before the one that "
	       "is completed.\n"
	       "_coolantctl_find() {\n"
	       "\tlocal word before='' first='' second=''\n"
	       "\tcount=0 words='' options='' below='' files='' where=()\n"
	       "\tlist() { :; }\n"
	       "\tfor word in \"$@\"; do\n"
	       "\t\tcase $before in\n\t\t--socket) where=(--socket \"$word\") ;;\n\t\tesac\n"
	       "\t\tcase $before in\n\t\t");
	put_with_argument();
	printf(") before='' && continue ;;\n\t\tesac\n"
	       "\t\tbefore=$word\n"
	       "\t\tcase $word in\n\t\t-*) continue ;;\n\t\tesac\n"
	       "\t\tif [ -z \"$first\" ]; then first=$word\n"
	       "\t\telse\n"
	       "\t\t\t[ -n \"$second\" ] || second=$word\n"
	       "\t\t\tcount=$((count + 1))\n"
	       "\t\tfi\n"
	       "\tdone\n"
	       "\tcase $before in\n"
	       "\t-c|--config|--socket) files=yes && return ;;\n");
	put_choices();
	printf("\t");
	put_with_argument();
	printf(") return ;;\n\tesac\n"
	       "\t[ -z \"$words\" ] || return\n"
	       "\tcase \"$first $second\" in\n");
	for (size_t i = 0; commands[i]; i++)
		if (strchr(commands[i]->name, ' '))
			printf(
			    "\t'%s') first=\"$first $second\" count=$((count - 1)) ;;\n", commands[i]->name);
	printf("\tesac\n"
	       "\tcase $first in\n"
	       "\t'')\n\t\toptions='");
	put_options(command_common_options, true);
	printf("'\n\t\tbelow='");
	for (size_t i = 0; commands[i]; i++)
		if (!strchr(commands[i]->name, ' '))
			printf("%s ", commands[i]->name);
	printf("'\n\t\t;;\n");
	for (size_t i = 0; commands[i]; i++)
		put_case(commands[i]);
	printf("\tesac\n"
	       "\t[ $count -eq 0 ] || below=''\n"
	       "}\n\n");
}

static void put_bash(void)
{
	printf("# bash completion for coolantctl, made from its table of commands\n\n");
	put_common();
	printf("_coolantctl() {\n"
	       "\tlocal current=${COMP_WORDS[COMP_CWORD]} count words options below files where\n"
	       "\t_coolantctl_find \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [[ $current == -* ]]; then words=$options\n"
	       "\telse words=\"$words $below $(list)\"; fi\n"
	       "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	       "\t[ -n \"$files\" ] || return 0\n"
	       "\tcompopt -o filenames 2>/dev/null\n"
	       "\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$current\")\n"
	       "}\n\n"
	       "complete -F _coolantctl coolantctl\n");
}

static void put_zsh(void)
{
	printf("#compdef coolantctl\n# zsh completion for coolantctl, made from its table of commands\n\n");
	put_common();
	printf("_coolantctl() {\n"
	       "\tlocal current=$words[CURRENT] count options below files\n"
	       "\tlocal -a where before\n"
	       "\tbefore=(\"${(@)words[2,CURRENT-1]}\")\n"
	       "\tlocal words\n"
	       "\t_coolantctl_find $before\n"
	       "\tif [[ $current == -* ]]; then compadd -- ${=options}\n"
	       "\telse compadd -- ${=words} ${=below} $(list); fi\n"
	       "\t[[ -z $files || $current == -* ]] || _files\n"
	       "}\n\n"
	       "_coolantctl \"$@\"\n");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "zsh") == 0)
		put_zsh();
	else if (argc == 2 && strcmp(argv[1], "bash") == 0)
		put_bash();
	else
		return 2;
	return 0;
}
