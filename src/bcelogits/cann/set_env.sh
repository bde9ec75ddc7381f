# Puts this folder in the place of an installation of CANN: source it (`. set_env.sh`) from bash, zsh or a POSIX shell.
_bcelogits_root=
if [ -n "${BASH_VERSION:-}" ]; then
    _bcelogits_root=$BASH_SOURCE
elif [ -n "${ZSH_VERSION:-}" ]; then
    eval '_bcelogits_root=${(%):-%x}'
else
    # Other shells do not tell the name of a sourced file, but keep it open.
    for _bcelogits_file in /proc/"$(exec sh -c 'echo $PPID')"/fd/*; do
        _bcelogits_file=$(readlink "$_bcelogits_file")
        case $_bcelogits_file in */set_env.sh) _bcelogits_root=$_bcelogits_file ;; esac
    done
    unset _bcelogits_file
fi
if [ -n "$_bcelogits_root" ]; then
    _bcelogits_root=$(CDPATH= cd -- "$(dirname -- "$_bcelogits_root")" >/dev/null && pwd -P)
fi
if [ -z "$_bcelogits_root" ] || [ ! -e "$_bcelogits_root/version.cfg" ]; then
    echo 'error: set_env.sh: this shell does not tell where the file is; use: eval "$(bcelogits config --env)"' >&2
    unset _bcelogits_root
    false
else
    export ASCEND_HOME_PATH="$_bcelogits_root"
    export ASCEND_TOOLKIT_HOME="$_bcelogits_root"
    export ASCEND_OPP_PATH="$_bcelogits_root/opp"
    # Unless it is set: torch_npu raises the error of an operator where it is called, not later.
    export TASK_QUEUE_ENABLE="${TASK_QUEUE_ENABLE:-0}"
    case ${LD_LIBRARY_PATH:-} in
        "$_bcelogits_root/lib64" | "$_bcelogits_root/lib64":*) ;;
        *) export LD_LIBRARY_PATH="$_bcelogits_root/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ;;
    esac
    case ${PYTHONPATH:-} in
        "$_bcelogits_root/python/site-packages" | "$_bcelogits_root/python/site-packages":*) ;;
        *) export PYTHONPATH="$_bcelogits_root/python/site-packages${PYTHONPATH:+:$PYTHONPATH}" ;;
    esac
    unset _bcelogits_root
fi
