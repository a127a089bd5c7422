%% Runs scenarios on the real Erlang/OTP and prints what happened: one scenario a line in, its log out.
%%
%% `ours.py` does the same on eye.supervision, function by function. The language is told in `language.py`.
%% Run with one scheduler (+S 1): then «everybody waits» is the whole of «nothing will happen any more».

-module(scenario_runner).
-behaviour(gen_server).
-export([main/0, init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

main() ->
    logger:set_primary_config(level, none),
    io:format("ready ~w~n", [code:ensure_loaded('Elixir.DynamicSupervisor') =:= {module, 'Elixir.DynamicSupervisor'}]),
    serve().

serve() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            {ok, Tokens, _} = erl_scan:string(Line),
            {ok, Scenario} = erl_parse:parse_term(Tokens),
            run(Scenario),
            serve()
    end.

%% ------------------------------------------------------------------ one scenario

run({Tree, Steps}) ->
    Before = processes(),
    [ets:new(Table, [named_table, public, ordered_set]) || Table <- [log, counts, pids, names, stuck]],
    ets:insert(names, {self(), "driver"}),
    start(recorder, fun() -> recorder(#{}) end),
    Holder = start(holder, fun() -> process_flag(trap_exit, true), holder() end),
    ets:insert(names, {Holder, "holder"}),
    step({hold, Tree}),
    lists:foreach(fun step/1, Steps),
    io:format("end~n"),
    After = processes() -- Before,
    [exit(P, kill) || P <- After],
    gone(After),
    [ets:delete(Table) || Table <- [log, counts, pids, names, stuck]].

start(Name, Work) ->
    Pid = spawn(Work),
    put(Name, Pid),
    ets:insert(pids, {Name, Pid}),
    Pid.

gone(Pids) ->
    case lists:any(fun is_process_alive/1, Pids) of
        true -> erlang:yield(), gone(Pids);
        false -> ok
    end.

step(Step) ->
    Answer = do(Step),
    settle(20),
    io:format("step ~s~n", [Answer]),
    [io:format("~s~n", [Text]) || {_, Text} <- ets:tab2list(log)],
    ets:delete_all_objects(log).

%% Return once everybody waits (the machine's own processes too: a crash may first have to load code),
%% seen twenty times in a row, since who has nothing but a
%% signal to handle looks as if it waited, and nobody who is stuck waits for its kill.
settle(0) -> ok;
settle(Rounds) ->
    erlang:yield(),
    Waits = fun(P) -> lists:member(process_info(P, status), [{status, waiting}, undefined]) end,
    case lists:all(Waits, processes() -- [self()]) of
        true ->
            case lists:any(fun({P}) -> is_process_alive(P) end, ets:tab2list(stuck)) of
                true -> timer:sleep(2), settle(20);
                false -> settle(Rounds - 1)
            end;
        false -> settle(20)
    end.

say(Kind, Id, N, Text) ->
    Line = io_lib:format("~s ~s ~w~s", [Kind, Id, N, [[" ", Text] || Text =/= ""]]),
    ets:insert(log, {erlang:unique_integer([monotonic]), lists:flatten(Line)}).

%% Hears of every end: who, which one of them, why.
recorder(Watched) ->
    receive
        {watch, From, Pid, Id, N} ->
            Ref = monitor(process, Pid),
            From ! {watched, Pid},
            recorder(Watched#{Ref => {Id, N}});
        {'DOWN', Ref, process, _, Reason} ->
            #{Ref := {Id, N}} = Watched,
            say("down", Id, N, norm(Reason)),
            recorder(Watched)
    end.

begin_(Id) ->
    N = ets:update_counter(counts, Id, 1, {Id, 0}),
    ets:insert(pids, {Id, self()}),
    ets:insert(names, {self(), name(Id)}),
    Me = self(),
    [{_, Recorder}] = ets:lookup(pids, recorder),
    Recorder ! {watch, Me, Me, Id, N},
    receive {watched, Me} -> ok end,
    say("init", Id, N, ""),
    N.

%% Starts the tree, linked, and hears of its end: plain code in the middle of a supervision tree.
holder() ->
    receive
        {start, From, Tree} ->
            From ! {started, begin_start(Tree)},
            holder();
        {leave, Reason} -> exit(Reason);
        {'EXIT', Pid, Reason} ->
            say("info", "holder", 1, ["EXIT ", who(Pid), " ", norm(Reason)]),
            holder()
    end.

begin_start(Spec) ->
    {M, F, A} = mfa(Spec),
    case apply(M, F, A) of
        {ok, Pid} when is_pid(Pid) -> "ok";
        ignore -> "ignore";
        {error, Reason} -> ["error ", norm(Reason)]
    end.

%% ------------------------------------------------------------------ child specs

mfa({srv, _, _, _, _, _, _, _} = Spec) -> {gen_server, start_link, [?MODULE, Spec, []]};
mfa({named, Name, Spec}) -> {gen_server, start_link, [{local, Name}, ?MODULE, Spec, []]};
mfa({sup, _, _, _, _, _, _, _, _} = Spec) -> {supervisor, start_link, [?MODULE, Spec]};
mfa({dyn, _, _, _, _, _, _} = Spec) -> {'Elixir.DynamicSupervisor', start_link, [?MODULE, Spec, []]}.

child({named, _, {srv, Id, Restart, Shutdown, Significant, _, _, _}} = Spec) ->
    child(Spec, Id, Restart, Shutdown, Significant, worker);
child({srv, Id, Restart, Shutdown, Significant, _, _, _} = Spec) ->
    child(Spec, Id, Restart, Shutdown, Significant, worker);
child({sup, Id, _, _, _, Restart, Shutdown, Significant, _} = Spec) ->
    child(Spec, Id, Restart, Shutdown, Significant, supervisor);
child({dyn, Id, _, _, Restart, Shutdown, Significant} = Spec) ->
    child(Spec, Id, Restart, Shutdown, Significant, supervisor).

child(Spec, Id, Restart, Shutdown, Significant, Type) ->
    #{id => Id, start => mfa(Spec), restart => Restart, shutdown => Shutdown, significant => Significant, type => Type}.

%% ------------------------------------------------------------------ the callbacks

init({sup, Id, Strategy, Intensity, Auto, _, _, _, Children}) ->
    begin_(Id),
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => Auto},
    {ok, {Flags, [child(C) || C <- Children]}};
init({dyn, Id, Intensity, Max, _, _, _}) ->
    begin_(Id),
    Limit = case Max of -1 -> infinity; _ -> Max end,
    'Elixir.DynamicSupervisor':init([
        {strategy, one_for_one}, {max_restarts, Intensity}, {max_seconds, 3600}, {max_children, Limit}
    ]);
init({srv, Id, _, _, _, Traps, Plan, Term}) ->
    process_flag(trap_exit, Traps),
    N = begin_(Id),
    S = #{id => Id, n => N, term => Term, later => [], monitors => #{}},
    case proplists:get_value(N, Plan, ok) of
        ok -> {ok, S};
        ignore -> ignore;
        crash -> error(boom);
        bad -> nonsense;
        idle -> {ok, S, 0};
        {exit, Reason} -> exit(Reason);
        {stop, Reason} -> {stop, Reason};
        {cont, Action} -> {ok, S, {continue, Action}}
    end.

handle_continue(Action, S) -> info(act(Action, S)).
handle_cast({act, Action}, S) -> info(act(Action, S)).

handle_call({act, Action}, From, S) ->
    case act(Action, S#{from => From}) of
        {go, T} -> {reply, ok, T};
        {cont, Next, T} -> {reply, ok, T, {continue, Next}};
        {idle, T} -> {reply, ok, T, 0};
        {later, #{later := Later} = T} -> {noreply, T#{later := Later ++ [From]}};
        {reply_stop, Reason, T} -> {stop, Reason, ok, T};
        {stop, Reason, T} -> {stop, Reason, T};
        bad -> nonsense
    end.

handle_info({act, Action}, S) -> info(act(Action, S));
handle_info({'EXIT', Pid, Reason}, S) -> told(["EXIT ", who(Pid), " ", norm(Reason)], S);
handle_info({'DOWN', _, process, {Name, _}, Reason}, S) -> told(["DOWN ", name(Name), " ", norm(Reason)], S);
handle_info({'DOWN', _, process, Pid, Reason}, S) -> told(["DOWN ", who(Pid), " ", norm(Reason)], S);
handle_info(timeout, S) -> told("timeout", S).

terminate(Reason, #{id := Id, n := N, term := Term}) ->
    say("terminate", Id, N, norm(Reason)),
    case Term of
        ok -> ok;
        crash -> error(boom);
        {exit, Other} -> exit(Other);
        stuck when Reason =:= shutdown -> ets:insert(stuck, {self()}), receive never -> ok end;
        stuck -> ok
    end.

told(Text, #{id := Id, n := N} = S) -> say("info", Id, N, Text), {noreply, S}.

info({go, S}) -> {noreply, S};
info({cont, Next, S}) -> {noreply, S, {continue, Next}};
info({idle, S}) -> {noreply, S, 0};
info({later, S}) -> {noreply, S};
info({reply_stop, Reason, S}) -> {stop, Reason, S};
info({stop, Reason, S}) -> {stop, Reason, S};
info(bad) -> nonsense.

%% What a server is told to do.
act(noop, S) -> {go, S};
act(crash, _) -> error(boom);
act(bad, _) -> bad;
act(idle, S) -> {idle, S};
act(later, S) -> {later, S};
act(answer, #{later := Later} = S) -> [gen_server:reply(From, late) || From <- Later], {go, S#{later := []}};
act({exit, Reason}, _) -> exit(Reason);
act({stop, Reason}, S) -> {stop, Reason, S};
act({reply_stop, Reason}, S) -> {reply_stop, Reason, S};
act({cont, Action}, S) -> {cont, Action, S};
act({both, First, Second}, S) -> {_, T} = act(First, S), act(Second, T);
act({trap, Flag}, S) -> process_flag(trap_exit, Flag), {go, S};
act({self_signal, Reason}, S) -> exit(self(), Reason), {go, S};
act({note, Word}, #{id := Id, n := N} = S) -> say("info", Id, N, name(Word)), {go, S};
act({monitor_name, Name}, S) -> monitor(process, Name), {go, S};
act({call_name, Name}, S) -> gen_server:call(Name, {act, noop}, infinity), {go, S};
act({cast_name, Name}, S) -> gen_server:cast(Name, {act, {note, cast}}), {go, S};
act({spawn, Spec}, #{id := Id, n := N} = S) -> say("info", Id, N, ["spawn ", begin_start(Spec)]), {go, S};
act({manage, Step}, #{id := Id, n := N} = S) -> say("info", Id, N, do(Step)), {go, S};
act({Verb, Id}, S) -> with(Id, S, fun(Pid) -> act_on(Verb, Id, Pid, S) end);
act({signal, Id, Reason}, S) -> with(Id, S, fun(Pid) -> exit(Pid, Reason), {go, S} end);
act({call, Id, Action}, S) ->
    with(Id, S, fun(Pid) -> gen_server:call(Pid, {act, Action}, infinity), {go, S} end);
act({cast, Id, Action}, S) -> with(Id, S, fun(Pid) -> gen_server:cast(Pid, {act, Action}), {go, S} end);
act({send, Id, Action}, S) -> with(Id, S, fun(Pid) -> Pid ! {act, Action}, {go, S} end).

act_on(link, _, Pid, S) -> link(Pid), {go, S};
act_on(unlink, _, Pid, S) -> unlink(Pid), {go, S};
act_on(stop_other, _, Pid, S) -> gen_server:stop(Pid, shutdown, infinity), {go, S};
act_on(monitor, Id, Pid, #{monitors := M} = S) -> {go, S#{monitors := M#{Id => monitor(process, Pid)}}};
act_on(demonitor, Id, _, #{monitors := M} = S) ->
    [demonitor(maps:get(Id, M), [flush]) || maps:is_key(Id, M)],
    {go, S#{monitors := maps:remove(Id, M)}}.

with(Id, S, Do) ->
    case ets:lookup(pids, Id) of
        [{_, Pid}] -> Do(Pid);
        [] -> {go, S}
    end.

%% ------------------------------------------------------------------ the steps, from outside

do({hold, Tree}) ->
    get(holder) ! {start, self(), Tree},
    receive {started, Answer} -> Answer end;
do({holder, Reason}) -> get(holder) ! {leave, Reason}, "ok";
do(Step) ->
    Id = element(2, Step),
    case ets:lookup(pids, Id) of
        [{_, Pid}] ->
            try to(Step, Pid)
            catch exit:{Reason, {_, _, _}} -> ["exit ", norm(Reason)];
                exit:Reason -> ["exit ", norm(Reason)]
            end;
        [] -> "nobody"
    end.

to({cast, _, Action}, Pid) -> gen_server:cast(Pid, {act, Action}), "ok";
to({info, _, Action}, Pid) -> Pid ! {act, Action}, "ok";
to({call, _, Action}, Pid) -> ["reply ", name(gen_server:call(Pid, {act, Action}, infinity))];
to({acall, Id, Action}, Pid) ->
    N = ets:update_counter(counts, asker, 1, {asker, 0}),
    spawn(fun() ->
        Text = try ["reply ", name(gen_server:call(Pid, {act, Action}, infinity))]
        catch exit:{Reason, {_, _, _}} -> ["exit ", norm(Reason)] end,
        say("answer", Id, N, Text)
    end),
    "ok";
to({exit, _, Reason}, Pid) -> exit(Pid, Reason), "ok";
to({stop, _, Reason}, Pid) -> name(gen_server:stop(Pid, Reason, infinity));
to({stray, _, info}, Pid) -> Pid ! stray, "ok";
to({stray, _, cast}, Pid) -> gen_server:cast(Pid, stray), "ok";
to({stray, _, call}, Pid) -> ["reply ", name(gen_server:call(Pid, stray, infinity))];
to({start, _, Spec}, Pid) -> answer(supervisor:start_child(Pid, child(Spec)));
to({terminate, _, Id}, Pid) -> answer(supervisor:terminate_child(Pid, Id));
to({restart, _, Id}, Pid) -> answer(supervisor:restart_child(Pid, Id));
to({delete, _, Id}, Pid) -> answer(supervisor:delete_child(Pid, Id));
to({which, _}, Pid) -> listing(Pid);
to({count, _}, Pid) -> counts(supervisor:count_children(Pid));
to({dyn_start, _, Spec}, Pid) -> answer('Elixir.DynamicSupervisor':start_child(Pid, child(Spec)));
to({dyn_stop, _, Id}, Pid) ->
    case ets:lookup(pids, Id) of
        [{_, Child}] -> answer('Elixir.DynamicSupervisor':terminate_child(Pid, Child));
        [] -> "nobody"
    end;
to({dyn_which, _}, Pid) ->
    Children = 'Elixir.DynamicSupervisor':which_children(Pid),
    string:join(lists:sort([lists:flatten(["?=", state(C)]) || {undefined, C, _, _} <- Children]), " ");
to({dyn_count, _}, Pid) -> counts(maps:to_list('Elixir.DynamicSupervisor':count_children(Pid))).

listing(Pid) ->
    string:join([lists:flatten([name(Id), "=", state(C), ":", name(Type)])
                 || {Id, C, Type, _} <- lists:reverse(supervisor:which_children(Pid))], " ").

state(Pid) when is_pid(Pid) -> who(Pid);
state(undefined) -> "none";
state(restarting) -> "restarting".

counts(List) ->
    string:join([integer_to_list(proplists:get_value(K, List)) || K <- [specs, active, supervisors, workers]], " ").

answer(ok) -> "ok";
answer(ignore) -> "ok none";
answer({ok, Child}) -> ["ok ", state(Child)];
answer({error, Reason}) -> ["error ", norm(Reason)].

%% ------------------------------------------------------------------ words

who(Pid) ->
    case ets:lookup(names, Pid) of
        [{_, Name}] -> Name;
        [] -> "somebody"
    end.

name(Word) when is_atom(Word) -> atom_to_list(Word);
name(Number) when is_integer(Number) -> integer_to_list(Number).

norm({shutdown, {failed_to_start_child, Id, Reason}}) -> ["shutdown(", name(Id), " ", norm(Reason), ")"];
norm({shutdown, Detail}) when is_atom(Detail) -> ["shutdown:", name(Detail)];
norm({already_started, _}) -> "already_started";
norm({start_spec, _}) -> "bad_spec";
norm({bad_combination, _}) -> "bad_spec";
norm({Reason, Child}) when element(1, Child) =:= child -> norm(Reason);
norm({boom, _}) -> "boom";
norm({badmatch, _}) -> "badmatch";
norm({bad_return_value, _}) -> "bad_return";
norm({function_clause, _}) -> "unhandled";
norm({{function_clause, _}, _}) -> "unhandled";
norm({Reason, {gen_server, call, _}}) -> ["callfailed(", norm(Reason), ")"];
norm({{Reason, {proc_lib, stop, _}}, _}) -> ["callfailed(", norm(Reason), ")"];
norm({Reason, Stack}) when is_list(Stack) -> norm(Reason);
norm(Reason) when is_atom(Reason) -> name(Reason);
norm(Reason) -> io_lib:format("~0p", [Reason]).
