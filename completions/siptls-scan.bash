# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for siptls-scan
_siptls_scan()
{
    local cur prev words cword split
    _init_completion -s -n : || return
    case $prev in
    -k | --keylog | -T | --files-from | -n | --names | -w | --output | -l | --log | -L | --from-log | --write-list | --expect)
        _filedir
        return
        ;;
    --watch)
        _filedir -d
        return
        ;;
    -f | --format)
        mapfile -t COMPREPLY < <(compgen -W 'table ndjson csv html none' -- "$cur")
        return
        ;;
    -b | --by)
        mapfile -t COMPREPLY < <(compgen -W 'endpoint client' -- "$cur")
        return
        ;;
    -p | --ports | -c | --client | --since | --until | -o | --own | --shard | --plan | -j | --jobs | --timeout | --max-memory | --on-change)
        return
        ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--ports= --any-port --keylog= --no-infer --no-series --files-from= --watch=
            --on-change= --shard= --plan= --write-list= --expect=
            --client= --since= --until= --own= --names= --by= --format= --output= --quiet --log= --resume --from-log=
            --jobs= --timeout= --max-memory= --version --help' -- "$cur")
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
        return
    fi
    _filedir
} && complete -F _siptls_scan siptls-scan
