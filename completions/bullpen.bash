# Completion of bullpen for bash. Made from the table of commands; do not edit.
_bullpen()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local options words= files=0
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'call inspect cache plugin doctor version help --help --version' -- "$word"))
        return
    fi
    case ${COMP_WORDS[1]} in
    call)
        case $before in
        -i|--input) return ;;
        -a|--arg) return ;;
        -c|--config) return ;;
        -t|--timeout-ms) return ;;
        -m|--memory-max) return ;;
        --input-max) return ;;
        --output-max) return ;;
        --log-max) return ;;
        --host-calls-max) return ;;
        --fuel) return ;;
        --core-dump) return ;;
        --files) return ;;
        --env) return ;;
        --allow-host) return ;;
        --ca-file) return ;;
        --policy) return ;;
        --kv) return ;;
        --reset) COMPREPLY=($(compgen -W 'fresh reuse' -- "$word")); return ;;
        --tenant) return ;;
        -n|--repeat) return ;;
        -C|--concurrency) return ;;
        --max-live) return ;;
        --min-warm) return ;;
        --cache-dir) return ;;
        --compile-timeout) return ;;
        --compile-memory-max) return ;;
        --log-level) COMPREPLY=($(compgen -W 'trace debug info warn error off' -- "$word")); return ;;
        esac
        options=' --input -i --arg -a --config -c --timeout-ms -t --memory-max -m --input-max --output-max --log-max --host-calls-max --fuel --trusted --core-dump --wasi --files --env --allow-host --allow-private --ca-file --policy --kv --debug-info --reset --tenant --repeat -n --concurrency -C --max-live --min-warm --cache-dir --no-cache --compile-timeout --compile-memory-max --stats -s --leak-check --log-level --help -h --json --quiet -q'
        files=1
        ;;
    inspect)
        case $before in
        esac
        options=' --all --describe --help -h --json --quiet -q'
        files=1
        ;;
    cache)
        case $before in
        --dir) return ;;
        esac
        options=' --dir --help -h --json --quiet -q'
        files=0
        words='list verify clear'
        ;;
    plugin)
        case $before in
        -l|--lang) COMPREPLY=($(compgen -W 'c go tinygo rust js python' -- "$word")); return ;;
        --abi) COMPREPLY=($(compgen -W 'extism component' -- "$word")); return ;;
        --world) COMPREPLY=($(compgen -W 'plugin middleware' -- "$word")); return ;;
        esac
        options=' --lang -l --abi --world --release --debug --help -h --json --quiet -q'
        files=0
        words='new build validate diff schema'
        ;;
    doctor)
        case $before in
        esac
        options=' --help -h --json --quiet -q'
        files=0
        ;;
    version)
        case $before in
        esac
        options=' --help -h --json --quiet -q'
        files=0
        ;;
    help)
        case $before in
        --format) COMPREPLY=($(compgen -W 'text man bash names' -- "$word")); return ;;
        esac
        options=' --format --help -h --json --quiet -q'
        files=0
        ;;
    *) return ;;
    esac
    case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) [ -z "$words" ] || COMPREPLY=($(compgen -W "$words" -- "$word"))
       [ "$files" -eq 0 ] || COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
}
complete -o filenames -F _bullpen bullpen
